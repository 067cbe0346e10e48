using System.Globalization;

namespace Caracal.Rego.Builtins.Times;

/// <summary>Reads a text field by field along a layout.</summary>
internal sealed class LayoutReader(string value)
{
    private int _at;
    private int _year;
    private int _month = 1;
    private int _day = 1;
    private int _dayOfYear;
    private int _hour;
    private int _minute;
    private int _second;
    private int _nanos;
    private bool? _afternoon;
    private int _offsetSeconds;

    public bool Literal(string text)
    {
        foreach (var c in text)
        {
            if (c == ' ')
            {
                while (_at < value.Length && value[_at] == ' ') _at++;
                continue;
            }

            if (_at >= value.Length || value[_at] != c) return false;
            _at++;
        }

        return true;
    }

    public bool Field(string part)
    {
        int length;
        switch (part)
        {
            case "2006": return Digits(4, 4, out _year);
            case "06":
                if (!Digits(2, 2, out _year)) return false;
                _year += _year >= 69 ? 1900 : 2000;
                return true;
            case "January" or "Jan":
                _month = GoLayout.Month(value[_at..], part.Length > 3, out length) + 1;
                _at += length;
                return _month > 0;
            case "Monday" or "Mon":
                var day = GoLayout.Weekday(value[_at..], part.Length > 3, out length);
                _at += length;
                return day >= 0;
            case "01": return Digits(2, 2, out _month);
            case "1": return Digits(1, 2, out _month);
            case "02": return Digits(2, 2, out _day);
            case "_2":
                if (_at < value.Length && value[_at] == ' ') _at++;
                return Digits(1, 2, out _day);
            case "2": return Digits(1, 2, out _day);
            case "002" or "__2":
                while (part[0] == '_' && _at < value.Length && value[_at] == ' ') _at++;
                return Digits(part[0] == '_' ? 1 : 3, 3, out _dayOfYear);
            case "15": return Digits(2, 2, out _hour);
            case "03": return Digits(2, 2, out _hour);
            case "3": return Digits(1, 2, out _hour);
            case "04": return Digits(2, 2, out _minute);
            case "4": return Digits(1, 2, out _minute);
            case "05" or "5": return Digits(part.Length, 2, out _second) && LooseFraction();
            case "PM" or "pm": return HalfDay();
            case "MST": return Zone();
        }

        return part[0] is 'Z' or '-' ? Offset(part) : Fraction(part);
    }

    public Int128? Finish()
    {
        if (_at != value.Length) return null;
        if (_afternoon is { } pm)
        {
            if (_hour is < 1 or > 12) return null;
            _hour = (_hour % 12) + (pm ? 12 : 0);
        }

        if (_month is < 1 or > 12 || _hour > 23 || _minute > 59 || _second > 59) return null;
        if (_dayOfYear == 0 && (_day < 1 || _day > DateTime.DaysInMonth(Math.Clamp(_year, 1, 9999), _month))) return null;
        var days = _dayOfYear > 0 ? CivilCalendar.Days(_year, 1, _dayOfYear) : CivilCalendar.Days(_year, _month, _day);
        var seconds = (days * 86_400) + (_hour * 3600) + (_minute * 60) + _second - _offsetSeconds;
        return ((Int128)seconds * 1_000_000_000) + _nanos;
    }

    private bool Digits(int least, int most, out int number)
    {
        var end = _at;
        while (end < value.Length && end - _at < most && char.IsAsciiDigit(value[end])) end++;
        number = 0;
        if (end - _at < least) return false;
        number = int.Parse(value.AsSpan(_at, end - _at), CultureInfo.InvariantCulture);
        _at = end;
        return true;
    }

    /// <summary>Seconds may carry a fraction the layout does not mention.</summary>
    private bool LooseFraction()
    {
        if (_at + 1 < value.Length && value[_at] is '.' or ',' && char.IsAsciiDigit(value[_at + 1])) return Fraction(".9");
        return true;
    }

    private bool Fraction(string part)
    {
        if (_nanosRead) return true;
        if (_at >= value.Length || value[_at] is not ('.' or ',')) return part[1] == '9';
        var start = ++_at;
        while (_at < value.Length && char.IsAsciiDigit(value[_at])) _at++;
        var digits = value[start.._at];
        if (digits.Length == 0 || digits.Length > 9) return false;
        _nanos = int.Parse(digits.PadRight(9, '0'), CultureInfo.InvariantCulture);
        _nanosRead = true;
        return true;
    }

    private bool _nanosRead;

    private bool HalfDay()
    {
        if (_at + 2 > value.Length) return false;
        var text = value.Substring(_at, 2).ToUpperInvariant();
        _at += 2;
        _afternoon = text == "PM";
        return text is "AM" or "PM";
    }

    private bool Zone()
    {
        var start = _at;
        while (_at < value.Length && char.IsAsciiLetterUpper(value[_at])) _at++;
        return _at - start is >= 3 and <= 5;
    }

    private bool Offset(string part)
    {
        if (part[0] == 'Z' && _at < value.Length && value[_at] == 'Z')
        {
            _at++;
            return true;
        }

        if (_at >= value.Length || value[_at] is not ('+' or '-')) return false;
        var sign = value[_at++] == '-' ? -1 : 1;
        var minute = 0;
        var second = 0;
        if (!Digits(2, 2, out var hour)) return false;
        var colon = part.Contains(':', StringComparison.Ordinal);
        var fields = part.Count(char.IsAsciiDigit) / 2;
        if (fields > 1 && ((colon && !Literal(":")) || !Digits(2, 2, out minute))) return false;
        if (fields > 2 && ((colon && !Literal(":")) || !Digits(2, 2, out second))) return false;
        if (hour > 24 || minute > 60 || second > 60) return false;
        _offsetSeconds = sign * ((hour * 3600) + (minute * 60) + second);
        return true;
    }
}

/// <summary>Days of the Gregorian calendar, without the bounds of the framework's dates.</summary>
internal static class CivilCalendar
{
    /// <summary>Days since 1970; months and days outside their usual range carry over.</summary>
    public static long Days(long year, long month, long day)
    {
        month--;
        year += Math.DivRem(month, 12, out month);
        if (month < 0)
        {
            month += 12;
            year--;
        }

        var y = month <= 1 ? year - 1 : year;
        var era = Math.DivRem(y >= 0 ? y : y - 399, 400, out _);
        var yearOfEra = y - (era * 400);
        var dayOfYear = ((153 * ((month + 10) % 12)) + 2) / 5;
        return (era * 146_097) + (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear + day - 1 - 719_468;
    }
}
