using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Caracal.Rego.Numbers;

/// <summary>Numbers to and from JSON number text.</summary>
internal static class DecimalText
{
    // Beyond a binary exponent of ±100,000 a number is refused (rego.md 2).
    private const int MaxBits = 100_000;
    private const int MaxDigits = 200_000;

    /// <summary>Reads a JSON number; also accepts a missing whole part, as in <c>.5</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out NumberValue? number)
    {
        number = null;
        var i = 0;
        var negative = i < text.Length && text[i] == '-';
        if (negative) i++;
        var wholeStart = i;
        while (i < text.Length && char.IsAsciiDigit(text[i])) i++;
        var whole = text[wholeStart..i];
        if (whole.Length > 1 && whole[0] == '0') return false;
        var fraction = ReadOnlySpan<char>.Empty;
        if (i < text.Length && text[i] == '.')
        {
            var start = ++i;
            while (i < text.Length && char.IsAsciiDigit(text[i])) i++;
            fraction = text[start..i];
            if (fraction.IsEmpty) return false;
        }

        if (whole.IsEmpty && fraction.IsEmpty) return false;
        long exponent = 0;
        if (i < text.Length && (text[i] | 0x20) == 'e')
        {
            i++;
            var minus = i < text.Length && text[i] == '-';
            if (i < text.Length && text[i] is '+' or '-') i++;
            var start = i;
            while (i < text.Length && char.IsAsciiDigit(text[i]))
            {
                exponent = Math.Min((exponent * 10) + (text[i] - '0'), 10_000_000);
                i++;
            }

            if (i == start) return false;
            if (minus) exponent = -exponent;
        }

        return i == text.Length && TryBuild(negative, whole, fraction, exponent, out number);
    }

    public static string Format(NumberValue n)
    {
        if (n.IsSmall) return n.Small.ToString(CultureInfo.InvariantCulture);
        if (n.IsInteger) return n.Integer.ToString(CultureInfo.InvariantCulture);
        var digits = BigInteger.Abs(n.Coefficient).ToString(CultureInfo.InvariantCulture);
        return Layout(n.Sign < 0, digits, digits.Length + n.Exponent);
    }

    /// <summary>Lays out 0.digits × 10^point: plain near one, with an exponent elsewhere.</summary>
    private static string Layout(bool negative, string digits, int point)
    {
        var sb = new StringBuilder();
        if (negative) sb.Append('-');
        if (point <= -7)
        {
            sb.Append(digits[0]);
            if (digits.Length > 1) sb.Append('.').Append(digits, 1, digits.Length - 1);
            return sb.Append("e-").Append((1 - point).ToString("00", CultureInfo.InvariantCulture)).ToString();
        }

        if (point <= 0) return sb.Append("0.").Append('0', -point).Append(digits).ToString();
        return sb.Append(digits, 0, point).Append('.').Append(digits, point, digits.Length - point).ToString();
    }

    private static bool TryBuild(
        bool negative, ReadOnlySpan<char> whole, ReadOnlySpan<char> fraction, long exponent, [NotNullWhen(true)] out NumberValue? number)
    {
        number = null;
        if (fraction.IsEmpty && exponent == 0 && whole.Length <= 18)
        {
            var value = long.Parse(whole, NumberStyles.None, CultureInfo.InvariantCulture);
            number = NumberValue.From(negative ? -value : value);
            return true;
        }

        if (whole.Length + fraction.Length > MaxDigits) return false;
        var digits = string.Concat(whole, fraction).TrimStart('0');
        exponent -= fraction.Length;
        var kept = digits.TrimEnd('0');
        if (kept.Length == 0)
        {
            number = NumberValue.From(0);
            return true;
        }

        exponent += digits.Length - kept.Length;
        var bits = (kept.Length + exponent) * 3.3219280948873623;
        if (Math.Abs(bits) > MaxBits) return false;
        var coefficient = BigInteger.Parse(kept, NumberStyles.None, CultureInfo.InvariantCulture);
        number = NumberValue.From(negative ? -coefficient : coefficient, (int)exponent);
        return true;
    }
}
