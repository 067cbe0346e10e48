using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Caracal.Cli.CommandLine;
using Caracal.Evidence.Checkpoints;

namespace Caracal.Cli.Ledger;

/// <summary>What a verification trusts beside the ledger: the checkpoint key, and checkpoints that were kept elsewhere.</summary>
/// <param name="Key">Null compares with no checkpoint.</param>
/// <param name="Kept">Checkpoints the key signed.</param>
/// <param name="Authorities">Who may time-stamp checkpoints; null leaves time-stamps unread.</param>
internal sealed record CheckpointTrust(NoteKey? Key, IReadOnlyList<Checkpoint> Kept, X509Certificate2Collection? Authorities = null)
{
    /// <summary>Reads <c>--checkpoint-key</c>, every <c>--checkpoint</c>, and every <c>--witness-key</c>, which each of them must be cosigned with, and <c>--timestamp-ca</c>.</summary>
    public static CheckpointTrust Read(Arguments arguments)
    {
        var files = arguments.Values("checkpoint");
        var witnesses = arguments.Values("witness-key").Select(ReadWitness).ToList();
        if (witnesses.Count > 0 && files.Count == 0) throw new CommandFailure("--witness-key needs --checkpoint");
        if (arguments.Value("checkpoint-key") is not { } text)
        {
            if (arguments.Value("timestamp-ca") is not null) throw new CommandFailure("--timestamp-ca needs --checkpoint-key");
            return files.Count == 0 ? new(null, []) : throw new CommandFailure("--checkpoint needs --checkpoint-key");
        }

        var key = NoteKey.Parse(text) ?? throw new CommandFailure("--checkpoint-key must be a key like name+id+base64");
        return new(key, [.. files.Select(file => Open(file, key, witnesses))], ReadAuthorities(arguments.Value("timestamp-ca")));
    }

    private static X509Certificate2Collection? ReadAuthorities(string? path)
    {
        if (path is null) return null;
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(path);
        }
        catch (Exception fault) when (fault is CryptographicException or IOException or UnauthorizedAccessException)
        {
            authorities.Clear();
        }

        // Without anybody to trust, every authority would pass.
        return authorities.Count > 0 ? authorities : throw new CommandFailure($"--timestamp-ca: there is no certificate (PEM) in {path}", exitCode: 2);
    }

    private static NoteKey ReadWitness(string text) => NoteKey.Parse(text) is { Type: NoteKey.Cosignature } key
        ? key
        : throw new CommandFailure("--witness-key must be a cosignature key like name+id+base64");

    private static Checkpoint Open(string file, NoteKey key, IReadOnlyList<NoteKey> witnesses)
    {
        if (!File.Exists(file)) throw new CommandFailure($"there is no checkpoint at {file}", exitCode: 2);
        var note = SignedNote.Parse(File.ReadAllText(file));
        if (note is not null && witnesses.FirstOrDefault(witness => !note.IsSignedBy(witness)) is { } missing)
        {
            throw new CommandFailure($"{file} is not cosigned by {missing.Name}", exitCode: 2);
        }

        return note is not null && note.IsSignedBy(key) && Checkpoint.Parse(note.Text) is { } checkpoint
            ? checkpoint
            : throw new CommandFailure($"{file} is not a checkpoint that this key signed", exitCode: 2);
    }
}
