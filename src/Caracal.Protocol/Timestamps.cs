using System.Globalization;

namespace Caracal.Protocol;

/// <summary>The time formats of the wire; always UTC, always ending in <c>Z</c>.</summary>
public static class Timestamps
{
    private const string MillisecondFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
    private const string MicrosecondFormat = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";
    private const string SecondFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>Three fraction digits: API and Coordinator rows (api.md 1, coordinator.md 2).</summary>
    public static string Milliseconds(DateTimeOffset time) =>
        time.UtcDateTime.ToString(MillisecondFormat, CultureInfo.InvariantCulture);

    /// <summary>Six fraction digits: cursors and audit events, which must not lose rows that share a millisecond.</summary>
    public static string Microseconds(DateTimeOffset time) =>
        time.UtcDateTime.ToString(MicrosecondFormat, CultureInfo.InvariantCulture);

    /// <summary>Whole seconds: approvals (sts.md 8.2).</summary>
    public static string Seconds(DateTimeOffset time) =>
        time.UtcDateTime.ToString(SecondFormat, CultureInfo.InvariantCulture);

    /// <summary>Drops what is finer than a microsecond, the precision that storage keeps.</summary>
    public static DateTimeOffset TruncateToMicroseconds(DateTimeOffset time) =>
        new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);

    /// <summary>Reads an ISO date-time that ends in <c>Z</c>; an offset or a missing zone is refused. Seconds may be absent when <paramref name="secondsOptional"/>.</summary>
    public static bool TryParseUtc(string? text, bool secondsOptional, out DateTimeOffset time)
    {
        time = default;
        if (text is null || text.Length < 17 || text[^1] != 'Z' || text[10] != 'T')
        {
            return false;
        }

        if (!secondsOptional && (text.Length < 20 || text[16] != ':'))
        {
            return false;
        }

        foreach (var c in text.AsSpan(0, text.Length - 1))
        {
            if (!char.IsAsciiDigit(c) && c is not ('-' or ':' or '.' or 'T'))
            {
                return false;
            }
        }

        // More than seven fraction digits are legal on the wire; .NET reads seven.
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var trimmed = dot > 0 && text.Length - dot > 9 ? string.Concat(text.AsSpan(0, dot + 8), "Z") : text;
        return DateTimeOffset.TryParse(
            trimmed, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
    }
}
