using System.Globalization;
using Caracal.Rego.Builtins.Times;
using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Time as nanoseconds since 1970. The clock is the one the caller gives.</summary>
internal static class TimeBuiltins
{
    private const long Second = 1_000_000_000;

    public static void AddTo(BuiltinSet all)
    {
        all.Add(new Builtin("time.now_ns", [], Now) { Varies = true });
        all.Add("time.parse_ns", ["string", "string"], static (in c) => Parse(c, GoLayout.Resolve(c.Text(0)), c.Text(1)));
        all.Add("time.parse_rfc3339_ns", ["string"], static (in c) => Parse(c, GoLayout.Resolve("RFC3339"), c.Text(0)));
        all.Add("time.parse_duration_ns", ["string"], ParseDuration);
        all.Add("time.format", ["array|number"], Format);
        all.Add("time.date", ["array|number"], static (in c) => At(c, 0) is { } m ? Numbers(m.Local.Year, m.Local.Month, m.Local.Day) : null);
        all.Add("time.clock", ["array|number"], static (in c) => At(c, 0) is { } m ? Numbers(m.Local.Hour, m.Local.Minute, m.Local.Second) : null);
        all.Add("time.weekday", ["array|number"], static (in c) => At(c, 0) is { } m ? RegoValue.String(GoLayout.DayName(m.Local.DayOfWeek)) : null);
        all.Add("time.add_date", ["number", "number", "number", "number"], AddDate);
        all.Add("time.diff", ["array|number", "array|number"], Difference);
        all.Add(new Builtin("test.sleep", ["string"], static (in c) =>
        {
            if (Duration(c.Text(0)) is not { } ns) return c.Fail("invalid duration");
            c.Context.Wait(TimeSpan.FromMilliseconds(Math.Min((double)ns / 1_000_000, 1_000)));
            return RegoValue.Null;
        })
        { Varies = true });
    }

    private static ArrayValue Numbers(params ReadOnlySpan<int> numbers)
    {
        var items = new RegoValue[numbers.Length];
        for (var i = 0; i < items.Length; i++) items[i] = NumberValue.From(numbers[i]);
        return new ArrayValue(items);
    }

    private static RegoValue? Now(in BuiltinCall c)
    {
        if (c.Context.Options.Now is not { } now) return c.Fail("no time was given");
        return NumberValue.From((now.UtcDateTime - DateTime.UnixEpoch).Ticks * 100);
    }

    private static RegoValue? InRange(in BuiltinCall c, Int128? nanoseconds) => nanoseconds switch
    {
        null => c.Fail("cannot parse the time"),
        { } ns when ns < long.MinValue || ns > long.MaxValue => c.Fail("time outside of valid range"),
        { } ns => NumberValue.From((long)ns),
    };

    private static RegoValue? Parse(in BuiltinCall c, string layout, string value)
    {
        if (layout.Length > 4096 || value.Length > 4096) return c.Fail("cannot parse the time");
        return InRange(c, GoLayout.Parse(layout, value));
    }

    private static RegoValue? ParseDuration(in BuiltinCall c) => Duration(c.Text(0)) switch
    {
        null => c.Fail($"time: invalid duration \"{c.Text(0)}\""),
        { } ns => NumberValue.From((long)ns),
    };

    private static Int128? Duration(string text)
    {
        var at = 0;
        var negative = text.StartsWith('-');
        if (text.StartsWith('-') || text.StartsWith('+')) at++;
        if (text[at..] == "0") return 0;
        Int128 total = 0;
        if (at == text.Length) return null;
        while (at < text.Length)
        {
            var start = at;
            while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '.')) at++;
            if (at == start || at - start > 40 || !decimal.TryParse(text.AsSpan(start, at - start), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)) return null;
            start = at;
            while (at < text.Length && text[at] != '.' && !char.IsAsciiDigit(text[at])) at++;
            decimal? unit = text[start..at] switch
            {
                "ns" => 1,
                "us" or "µs" or "μs" => 1_000,
                "ms" => 1_000_000,
                "s" => Second,
                "m" => 60 * Second,
                "h" => 3600 * Second,
                _ => null,
            };
            if (unit is null || amount > long.MaxValue / unit.Value) return null;
            total += (Int128)decimal.Truncate(amount * unit.Value);
            if (total > (Int128)long.MaxValue + 1) return null;
        }

        if (negative) total = -total;
        return total > long.MaxValue ? null : total;
    }

    /// <summary>The moment an operand gives: nanoseconds, alone or with a zone.</summary>
    private static Moment? At(in BuiltinCall c, int operand) =>
        Nanoseconds(c, operand) is { } ns && Zone(c, operand, out var zone) ? Moment.From(ns, zone) : null;

    private static long? Nanoseconds(in BuiltinCall c, int operand)
    {
        var value = c[operand] is ArrayValue a ? a.Count > 0 ? a[0] : RegoValue.Null : c[operand];
        if (value is not NumberValue n) c.WrongOperand(operand, "a number or an array of a number and strings", Builtin.KindName(value.Kind));
        else if (n.TryGetInt64(out var ns)) return ns;
        else c.Fail("timestamp too big");
        return null;
    }

    private static bool Zone(in BuiltinCall c, int operand, out TimeZoneInfo? zone)
    {
        zone = null;
        if (c[operand] is not ArrayValue { Count: > 1 } a) return true;
        if (a[1] is not StringValue { Text: var name })
        {
            c.WrongOperand(operand, "an array of a number and strings", Builtin.KindName(a[1].Kind));
            return false;
        }

        // "Local" would depend on the machine; policies do not see it.
        if (name is "" or "UTC" || (name != "Local" && TimeZoneInfo.TryFindSystemTimeZoneById(name, out zone))) return true;
        c.Fail($"unknown time zone {name}");
        return false;
    }

    private static RegoValue? Format(in BuiltinCall c)
    {
        if (At(c, 0) is not { } moment) return null;
        var layout = "RFC3339Nano";
        if (c[0] is ArrayValue { Count: > 2 } a)
        {
            if (a[2] is not StringValue { Text: var text }) return c.WrongOperand(0, "an array of a number and strings", Builtin.KindName(a[2].Kind));
            if (text.Length > 4096) return c.Fail("layout too long");
            layout = text;
        }

        return RegoValue.String(GoLayout.Format(moment, GoLayout.Resolve(layout)));
    }

    private static RegoValue? AddDate(in BuiltinCall c)
    {
        if (Nanoseconds(c, 0) is not { } ns) return null;
        Span<long> add = stackalloc long[3];
        for (var i = 0; i < 3; i++)
        {
            if (!c.Number(i + 1).TryGetInt64(out add[i])) return c.WrongOperand(i + 1, "integer number", "floating-point number");
            if (Int128.Abs(add[i]) > 1_000_000_000) return c.Fail("time outside of valid range");
        }

        var local = Moment.From(ns, null);
        var days = CivilCalendar.Days(local.Local.Year + add[0], local.Local.Month + add[1], local.Local.Day + add[2]);
        var seconds = ((Int128)days * 86_400) + (long)local.Local.TimeOfDay.TotalSeconds;
        return InRange(c, (seconds * Second) + local.Nanosecond);
    }

    /// <summary>The calendar difference in years, months, days, hours, minutes and seconds, never negative.</summary>
    private static RegoValue? Difference(in BuiltinCall c)
    {
        if (Nanoseconds(c, 0) is not { } first || Nanoseconds(c, 1) is not { } second) return null;
        if (!Zone(c, 0, out var zone) || !Zone(c, 1, out _)) return null;
        if (first > second) (first, second) = (second, first);
        var a = Moment.From(first, zone);
        var b = Moment.From(second, zone);
        var year = b.Local.Year - a.Local.Year;
        var month = b.Local.Month - a.Local.Month;
        var day = b.Local.Day - a.Local.Day;
        var hour = b.Local.Hour - a.Local.Hour;
        var minute = b.Local.Minute - a.Local.Minute;
        var sec = b.Local.Second - a.Local.Second;
        if (b.Nanosecond < a.Nanosecond) sec--;
        Borrow(ref sec, ref minute, 60);
        Borrow(ref minute, ref hour, 60);
        Borrow(ref hour, ref day, 24);
        if (day < 0)
        {
            day += DateTime.DaysInMonth(a.Local.Year, a.Local.Month);
            month--;
        }

        Borrow(ref month, ref year, 12);
        return Numbers(year, month, day, hour, minute, sec);

        static void Borrow(ref int small, ref int large, int size)
        {
            if (small >= 0) return;
            small += size;
            large--;
        }
    }
}
