using System.Collections.Immutable;
using System.Globalization;

namespace Caracal.Keys.Rotation;

/// <summary>Hours of certain weekdays, in UTC: <c>02:00-05:00</c>, <c>Mon-Fri 02:00-05:00</c>, <c>Sat,Sun 22:00-04:00</c>, <c>always</c>.</summary>
/// <param name="Days">Days on which it opens.</param>
/// <param name="From">When it opens.</param>
/// <param name="Length">How long it stays open, at most a day; it may pass midnight.</param>
public sealed record CalendarWindow(ImmutableArray<DayOfWeek> Days, TimeSpan From, TimeSpan Length)
{
    private static readonly ImmutableArray<string> Names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>Never closes.</summary>
    public static CalendarWindow Always { get; } = new([.. Enum.GetValues<DayOfWeek>()], TimeSpan.Zero, Day);

    public bool Contains(DateTimeOffset time)
    {
        var utc = time.UtcDateTime;
        return IsOpenSince(utc.Date, utc) || IsOpenSince(utc.Date - Day, utc);
    }

    /// <summary>The first moment, <paramref name="time"/> or later, at which it is open.</summary>
    public DateTimeOffset NextOpen(DateTimeOffset time)
    {
        if (Contains(time)) return time;
        var date = time.UtcDateTime.Date;
        while (!Days.Contains(date.DayOfWeek) || date + From < time.UtcDateTime) date += Day;
        return new DateTimeOffset(date + From, TimeSpan.Zero);
    }

    /// <summary>False when the text is none of the forms above.</summary>
    public static bool TryParse(string text, out CalendarWindow window)
    {
        window = Always;
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is ["always"]) return true;
        if (words.Length is 0 or > 2 || !TryParseHours(words[^1], out var from, out var length)) return false;
        var days = words.Length == 1 ? Always.Days : ParseDays(words[0]);
        if (days.IsEmpty) return false;
        window = new CalendarWindow(days, from, length);
        return true;
    }

    public override string ToString()
    {
        if (Length == Day && Days.Length == Names.Length) return "always";
        var hours = string.Create(CultureInfo.InvariantCulture, $"{From:hh\\:mm}-{TimeSpan.FromTicks((From + Length).Ticks % Day.Ticks):hh\\:mm}");
        return Days.Length == Names.Length ? hours : $"{string.Join(',', Days.Select(day => Names[(int)day]))} {hours}";
    }

    private bool IsOpenSince(DateTime date, DateTime time) =>
        Days.Contains(date.DayOfWeek) && time >= date + From && time < date + From + Length;

    private static bool TryParseHours(string text, out TimeSpan from, out TimeSpan length)
    {
        length = TimeSpan.Zero;
        from = TimeSpan.Zero;
        if (text.Split('-') is not [var opens, var closes] || !TryParseTime(opens, out from) || !TryParseTime(closes, out var to)) return false;
        length = to > from ? to - from : to - from + Day;
        return true;
    }

    private static bool TryParseTime(string text, out TimeSpan time) =>
        TimeSpan.TryParseExact(text, "hh\\:mm", CultureInfo.InvariantCulture, out time) && time < Day;

    private static ImmutableArray<DayOfWeek> ParseDays(string text)
    {
        var days = new List<DayOfWeek>();
        foreach (var part in text.Split(','))
        {
            var ends = part.Split('-').Select(name => Names.IndexOf(name, 0, Names.Length, StringComparer.OrdinalIgnoreCase)).ToList();
            if (ends.Count > 2 || ends.Contains(-1)) return [];
            for (var day = ends[0]; ; day = (day + 1) % Names.Length)
            {
                days.Add((DayOfWeek)day);
                if (day == ends[^1]) break;
            }
        }

        return [.. days.Distinct()];
    }
}
