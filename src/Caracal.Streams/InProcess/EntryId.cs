using System.Globalization;

namespace Caracal.Streams.InProcess;

/// <summary>An entry id as two numbers, ordered like Redis orders them.</summary>
internal readonly record struct EntryId(long Milliseconds, long Sequence) : IComparable<EntryId>
{
    public static EntryId Parse(string id)
    {
        var dash = id.IndexOf('-', StringComparison.Ordinal);
        return new EntryId(long.Parse(id.AsSpan(0, dash)), long.Parse(id.AsSpan(dash + 1)));
    }

    public static bool TryParse(ReadOnlySpan<char> text, out EntryId id)
    {
        var dash = text.IndexOf('-');
        var isId = long.TryParse(text[..Math.Max(dash, 0)], NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            & long.TryParse(text[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var sequence);
        id = new EntryId(milliseconds, sequence);
        return isId;
    }

    public int CompareTo(EntryId other)
    {
        var byTime = Milliseconds.CompareTo(other.Milliseconds);
        return byTime != 0 ? byTime : Sequence.CompareTo(other.Sequence);
    }

    /// <summary>How long ago it was appended; clocks differ, so never less than nothing.</summary>
    public TimeSpan Age(DateTimeOffset now)
    {
        var age = now - DateTimeOffset.FromUnixTimeMilliseconds(Milliseconds);
        return age > TimeSpan.Zero ? age : TimeSpan.Zero;
    }

    public override string ToString() => $"{Milliseconds}-{Sequence}";
}
