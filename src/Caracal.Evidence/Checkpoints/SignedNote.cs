using System.Buffers.Binary;

namespace Caracal.Evidence.Checkpoints;

/// <summary>One signature line of a note.</summary>
/// <param name="Name">The key's name.</param>
/// <param name="KeyId">The key's id.</param>
/// <param name="Signature">What follows the id.</param>
/// <param name="Line">The line as it stood, without its line feed.</param>
public sealed record NoteSignature(string Name, uint KeyId, byte[] Signature, string Line);

/// <summary>A text with signatures below it (C2SP signed-note): the text ends with a line feed, a blank line follows, then the signatures.</summary>
/// <param name="Text">What is signed.</param>
/// <param name="Signatures">At least one.</param>
public sealed record SignedNote(string Text, IReadOnlyList<NoteSignature> Signatures)
{
    public const string SignaturePrefix = "— ";

    private const int MaximumLength = 1_000_000;
    private const int MaximumSignatures = 100;

    /// <summary>A note with one signature.</summary>
    public static string Sign(string text, NoteSigner signer, DateTimeOffset time) => $"{text}\n{signer.SignatureLine(text, time)}\n";

    /// <summary>Reads a note; null when it is none.</summary>
    public static SignedNote? Parse(string note)
    {
        if (note.Length > MaximumLength || note.Any(c => c < ' ' && c != '\n')) return null;
        var end = note.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0 || !note.EndsWith('\n')) return null;
        var lines = note[(end + 2)..^1].Split('\n');
        if (lines.Length > MaximumSignatures) return null;
        var signatures = new List<NoteSignature>(lines.Length);
        foreach (var line in lines)
        {
            if (ParseLine(line) is not { } signature) return null;
            signatures.Add(signature);
        }

        return new SignedNote(note[..(end + 1)], signatures);
    }

    /// <summary>Reads one signature line; null when it is none.</summary>
    public static NoteSignature? ParseLine(string line)
    {
        if (!line.StartsWith(SignaturePrefix, StringComparison.Ordinal)) return null;
        var words = line[SignaturePrefix.Length..].Split(' ');
        if (words.Length != 2 || !NoteKey.IsName(words[0])) return null;
        var bytes = new byte[words[1].Length];
        if (!Convert.TryFromBase64String(words[1], bytes, out var length) || length <= sizeof(uint)) return null;
        return new NoteSignature(words[0], BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes[sizeof(uint)..length], line);
    }

    /// <summary>Whether the key signed the text. A wrong signature in its name spoils the note even beside a right one.</summary>
    public bool IsSignedBy(NoteKey key)
    {
        var own = Signatures.Where(signature => signature.Name == key.Name && signature.KeyId == key.Id).ToList();
        return own.Count > 0 && own.TrueForAll(signature => key.Verify(Text, signature.Signature));
    }
}
