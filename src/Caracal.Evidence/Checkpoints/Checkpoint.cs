using System.Globalization;
using System.Text;

namespace Caracal.Evidence.Checkpoints;

/// <summary>What a checkpoint says (C2SP tlog-checkpoint): so many events of this zone have this root.</summary>
/// <param name="Origin"><see cref="OriginOf"/>: the log's name and the zone.</param>
/// <param name="Size">Number of leaves: the sequence number of the last row covered.</param>
/// <param name="Root">Root hash.</param>
public sealed record Checkpoint(string Origin, long Size, byte[] Root)
{
    /// <summary>The first line of a zone's checkpoints. Zone ids are any text, so they are percent-encoded.</summary>
    public static string OriginOf(string log, string zoneId) => $"{log}/{Uri.EscapeDataString(zoneId)}";

    /// <summary>The text that is signed.</summary>
    public string Text => new StringBuilder(Origin).Append('\n')
        .Append(Size.ToString(CultureInfo.InvariantCulture)).Append('\n')
        .Append(Convert.ToBase64String(Root)).Append('\n').ToString();

    /// <summary>Reads the text of a note; null when it is no checkpoint. Extension lines are allowed and ignored.</summary>
    public static Checkpoint? Parse(string text)
    {
        var lines = text.Split('\n');
        if (lines.Length < 4 || lines[0].Length == 0) return null;
        if (!long.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size) || (lines[1].Length > 1 && lines[1][0] == '0')) return null;
        var root = new byte[MerkleTree.HashSize];
        return Convert.TryFromBase64String(lines[2], root, out var length) && length == root.Length ? new Checkpoint(lines[0], size, root) : null;
    }

    /// <summary>Opens a note that this key signed for this origin; null for any other.</summary>
    public static Checkpoint? Open(string note, NoteKey key, string origin) =>
        SignedNote.Parse(note) is { } signed && signed.IsSignedBy(key) && Parse(signed.Text) is { } checkpoint && checkpoint.Origin == origin
            ? checkpoint
            : null;

    public bool Equals(Checkpoint? other) => other is not null && Text == other.Text;

    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);
}
