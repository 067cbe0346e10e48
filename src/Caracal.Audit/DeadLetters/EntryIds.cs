using System.Globalization;

namespace Caracal.Audit.DeadLetters;

/// <summary>Stream entry ids in requests: <c>milliseconds</c> or <c>milliseconds-sequence</c>, as Redis writes them.</summary>
internal static class EntryIds
{
    /// <summary>The canonical form of an id; false when it is none.</summary>
    public static bool TryRead(string text, out string id)
    {
        id = "";
        if (!TryParse(text, out var milliseconds, out var sequence))
        {
            return false;
        }

        id = Write(milliseconds, sequence);
        return true;
    }

    /// <summary>The greatest id below this one, so that a listing after it starts here; null for the smallest id.</summary>
    public static string? Before(string id)
    {
        return !TryParse(id, out var milliseconds, out var sequence) ? null
            : sequence > 0 ? Write(milliseconds, sequence - 1)
            : milliseconds > 0 ? Write(milliseconds - 1, long.MaxValue)
            : null;
    }

    private static bool TryParse(string text, out long milliseconds, out long sequence)
    {
        sequence = 0;
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        return Number(dash < 0 ? text : text[..dash], out milliseconds) && (dash < 0 || Number(text[(dash + 1)..], out sequence));
    }

    private static bool Number(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static string Write(long milliseconds, long sequence) => $"{milliseconds}-{sequence}";
}
