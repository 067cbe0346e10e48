using System.Globalization;

namespace Caracal.Evidence.Events;

/// <summary>Event times: RFC 3339 with up to nine fraction digits and any offset, kept to the microsecond (audit.md 2, 4).</summary>
public static class Rfc3339
{
    /// <summary>Length of <c>yyyy-MM-ddTHH:mm:ss.ffffffZ</c>.</summary>
    public const int MicrosecondLength = 27;

    private const int SecondsLength = 19;
    private const int MaxFractionDigits = 9;

    /// <summary>UTC, truncated down to the microsecond.</summary>
    public static DateTimeOffset Truncate(DateTimeOffset time)
    {
        var utc = time.UtcTicks;
        return new DateTimeOffset(utc - utc % TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
    }

    public static void WriteMicroseconds(DateTimeOffset time, Span<byte> target27)
    {
        // The round-trip form has a seventh digit, and is written without reading a form of one's own.
        Span<byte> ticks = stackalloc byte[MicrosecondLength + 1];
        time.UtcDateTime.TryFormat(ticks, out _, "O", CultureInfo.InvariantCulture);
        ticks[..(MicrosecondLength - 1)].CopyTo(target27);
        target27[MicrosecondLength - 1] = (byte)'Z';
    }

    /// <summary><c>yyyy-MM-ddTHH:mm:ss.ffffffZ</c></summary>
    public static string Microseconds(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary><c>yyyy-MM-ddTHH:mm:ss.fffZ</c>, the form of the admin audit ledger.</summary>
    public static string Milliseconds(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>Reads a time and truncates it to the microsecond; false for anything that is not RFC 3339.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DateTimeOffset time)
    {
        time = default;
        if (text.Length <= SecondsLength || text[10] is not ('T' or 't')) return false;
        if (!DateTime.TryParseExact(text[..10], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            || !DateTime.TryParseExact(text[11..SecondsLength], "HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out var ofDay))
        {
            return false;
        }

        var rest = text[SecondsLength..];
        if (!TryTakeFraction(ref rest, out var microseconds) || !TryTakeOffset(rest, out var offset)) return false;
        var ticks = date.Ticks + ofDay.TimeOfDay.Ticks + microseconds * TimeSpan.TicksPerMicrosecond - offset.Ticks;
        if (ticks < 0 || ticks > DateTime.MaxValue.Ticks) return false;
        time = new DateTimeOffset(ticks, TimeSpan.Zero);
        return true;
    }

    private static bool TryTakeFraction(ref ReadOnlySpan<char> rest, out long microseconds)
    {
        microseconds = 0;
        if (rest[0] is not '.') return true;
        var length = 1;
        while (length < rest.Length && char.IsAsciiDigit(rest[length])) length++;
        var digits = rest[1..length];
        if (digits.IsEmpty || digits.Length > MaxFractionDigits) return false;
        for (var i = 0; i < 6; i++) microseconds = microseconds * 10 + (i < digits.Length ? digits[i] - '0' : 0);
        rest = rest[length..];
        return true;
    }

    private static bool TryTakeOffset(ReadOnlySpan<char> text, out TimeSpan offset)
    {
        offset = default;
        if (text is "Z" or "z") return true;
        if (text.Length != 6 || text[0] is not ('+' or '-') || text[3] != ':') return false;
        if (!int.TryParse(text[1..3], NumberStyles.None, CultureInfo.InvariantCulture, out var hours)
            || !int.TryParse(text[4..], NumberStyles.None, CultureInfo.InvariantCulture, out var minutes)
            || hours > 23 || minutes > 59)
        {
            return false;
        }

        offset = new TimeSpan(hours, minutes, 0) * (text[0] == '-' ? -1 : 1);
        return true;
    }
}
