using System.Globalization;
using System.Text;

namespace Caracal.Rego.Builtins.Times;

/// <summary>A moment with its offset, broken into the fields a layout names.</summary>
internal readonly record struct Moment(DateTime Local, int Nanosecond, TimeSpan Offset, string Zone)
{
    public static Moment From(long nanoseconds, TimeZoneInfo? zone)
    {
        var (seconds, nanos) = Math.DivRem(nanoseconds, 1_000_000_000);
        if (nanos < 0)
        {
            nanos += 1_000_000_000;
            seconds--;
        }

        var utc = DateTime.UnixEpoch.AddSeconds(seconds);
        var offset = zone?.GetUtcOffset(utc) ?? TimeSpan.Zero;
        var name = zone is null ? "UTC" : Abbreviation(zone, utc, offset);
        return new Moment(utc + offset, (int)nanos, offset, name);
    }

    private static string Abbreviation(TimeZoneInfo zone, DateTime utc, TimeSpan offset)
    {
        var name = zone.IsDaylightSavingTime(utc) ? zone.DaylightName : zone.StandardName;
        return name.Length is > 0 and <= 5 && name.All(char.IsAsciiLetter) ? name : GoLayout.Offset(offset, "-0700")[..3];
    }
}

/// <summary>Layouts in the way of Go: the reference time written as the text should look.</summary>
internal static class GoLayout
{
    private static readonly string[] s_days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

    private static readonly string[] s_months =
    [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ];

    // Longer ones first, so that a prefix never hides them.
    private static readonly string[] s_parts =
    [
        "January", "Monday", "Z07:00:00", "-07:00:00", "Z070000", "-070000", "Z07:00", "-07:00", "Z0700", "-0700", "2006", "Jan", "Mon", "MST",
        "Z07", "-07", "002", "__2", "_2", "01", "02", "03", "04", "05", "06", "15", "PM", "pm", "1", "2", "3", "4", "5",
    ];

    public static string Resolve(string layout) => layout switch
    {
        "ANSIC" => "Mon Jan _2 15:04:05 2006",
        "UnixDate" => "Mon Jan _2 15:04:05 MST 2006",
        "RubyDate" => "Mon Jan 02 15:04:05 -0700 2006",
        "RFC822" => "02 Jan 06 15:04 MST",
        "RFC822Z" => "02 Jan 06 15:04 -0700",
        "RFC850" => "Monday, 02-Jan-06 15:04:05 MST",
        "RFC1123" => "Mon, 02 Jan 2006 15:04:05 MST",
        "RFC1123Z" => "Mon, 02 Jan 2006 15:04:05 -0700",
        "RFC3339" => "2006-01-02T15:04:05Z07:00",
        "RFC3339Nano" => "2006-01-02T15:04:05.999999999Z07:00",
        "Kitchen" => "3:04PM",
        "Stamp" => "Jan _2 15:04:05",
        "StampMilli" => "Jan _2 15:04:05.000",
        "StampMicro" => "Jan _2 15:04:05.000000",
        "StampNano" => "Jan _2 15:04:05.000000000",
        "DateTime" => "2006-01-02 15:04:05",
        "DateOnly" => "2006-01-02",
        "TimeOnly" => "15:04:05",
        _ => layout,
    };

    public static string Format(Moment m, string layout)
    {
        var sb = new StringBuilder();
        foreach (var (part, text) in Cut(layout)) sb.Append(part ? Field(m, text) : text);
        return sb.ToString();
    }

    /// <summary>Reads a text; the result is nanoseconds since 1970, which may lie outside the range of time values.</summary>
    public static Int128? Parse(string layout, string value)
    {
        var reader = new LayoutReader(value);
        foreach (var (part, text) in Cut(layout))
        {
            if (!(part ? reader.Field(text) : reader.Literal(text))) return null;
        }

        return reader.Finish();
    }

    public static string Offset(TimeSpan offset, string part)
    {
        if (part[0] == 'Z' && offset == TimeSpan.Zero) return "Z";
        var sign = offset < TimeSpan.Zero ? '-' : '+';
        var o = offset.Duration();
        var c = CultureInfo.InvariantCulture;
        return part[1..] switch
        {
            "07:00" => string.Create(c, $"{sign}{o.Hours:00}:{o.Minutes:00}"),
            "0700" => string.Create(c, $"{sign}{o.Hours:00}{o.Minutes:00}"),
            "07" => string.Create(c, $"{sign}{o.Hours:00}"),
            "07:00:00" => string.Create(c, $"{sign}{o.Hours:00}:{o.Minutes:00}:{o.Seconds:00}"),
            _ => string.Create(c, $"{sign}{o.Hours:00}{o.Minutes:00}{o.Seconds:00}"),
        };
    }

    public static int Month(string text, bool full, out int length) => NameAt(s_months, text, full, out length);

    public static int Weekday(string text, bool full, out int length) => NameAt(s_days, text, full, out length);

    public static string DayName(DayOfWeek day) => s_days[(int)day];

    /// <summary>A layout as fields and the texts between them.</summary>
    private static IEnumerable<(bool IsField, string Text)> Cut(string layout)
    {
        var from = 0;
        for (var i = 0; i < layout.Length;)
        {
            var part = PartAt(layout, i);
            if (part is null)
            {
                i++;
                continue;
            }

            if (i > from) yield return (false, layout[from..i]);
            yield return (true, part);
            i += part.Length;
            from = i;
        }

        if (from < layout.Length) yield return (false, layout[from..]);
    }

    private static string? PartAt(string layout, int at)
    {
        if (layout[at] is '.' or ',' && at + 1 < layout.Length && layout[at + 1] is '0' or '9')
        {
            var end = at + 1;
            while (end < layout.Length && layout[end] == layout[at + 1]) end++;
            if (end == layout.Length || !char.IsAsciiDigit(layout[end])) return layout[at..end];
        }

        foreach (var part in s_parts)
        {
            if (string.CompareOrdinal(layout, at, part, 0, part.Length) != 0) continue;
            // A name that goes on in lower case is just text.
            if (part is "Jan" or "Mon" && at + 3 < layout.Length && char.IsAsciiLetterLower(layout[at + 3])) continue;
            return part;
        }

        return null;
    }

    private static string Field(Moment m, string part)
    {
        var c = CultureInfo.InvariantCulture;
        var t = m.Local;
        var hour12 = t.Hour % 12 == 0 ? 12 : t.Hour % 12;
        switch (part)
        {
            case "2006": return t.Year.ToString("0000", c);
            case "06": return (t.Year % 100).ToString("00", c);
            case "January": return s_months[t.Month - 1];
            case "Jan": return s_months[t.Month - 1][..3];
            case "01": return t.Month.ToString("00", c);
            case "1": return t.Month.ToString(c);
            case "Monday": return s_days[(int)t.DayOfWeek];
            case "Mon": return s_days[(int)t.DayOfWeek][..3];
            case "02": return t.Day.ToString("00", c);
            case "_2": return t.Day.ToString(c).PadLeft(2);
            case "2": return t.Day.ToString(c);
            case "002": return t.DayOfYear.ToString("000", c);
            case "__2": return t.DayOfYear.ToString(c).PadLeft(3);
            case "15": return t.Hour.ToString("00", c);
            case "03": return hour12.ToString("00", c);
            case "3": return hour12.ToString(c);
            case "04": return t.Minute.ToString("00", c);
            case "4": return t.Minute.ToString(c);
            case "05": return t.Second.ToString("00", c);
            case "5": return t.Second.ToString(c);
            case "PM": return t.Hour >= 12 ? "PM" : "AM";
            case "pm": return t.Hour >= 12 ? "pm" : "am";
            case "MST": return m.Zone;
        }

        if (part[0] is 'Z' or '-') return Offset(m.Offset, part);
        var digits = m.Nanosecond.ToString("000000000", c)[..Math.Min(9, part.Length - 1)];
        if (part[1] == '0') return part[0] + digits;
        digits = digits.TrimEnd('0');
        return digits.Length == 0 ? "" : part[0] + digits;
    }

    private static int NameAt(string[] names, string text, bool full, out int length)
    {
        for (var i = 0; i < names.Length; i++)
        {
            var name = full ? names[i] : names[i][..3];
            if (!text.StartsWith(name, StringComparison.OrdinalIgnoreCase)) continue;
            length = name.Length;
            return i;
        }

        length = 0;
        return -1;
    }
}
