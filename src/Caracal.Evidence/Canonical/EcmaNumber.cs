using System.Buffers.Text;
using System.Globalization;

namespace Caracal.Evidence.Canonical;

// ECMAScript's Number::toString: the shortest digits that read back the same, laid out as RFC 8785 section 3.2.2.3 says.
internal static class EcmaNumber
{
    public static void Write(ReadOnlySpan<byte> text, ByteBuffer target)
    {
        if (!Utf8Parser.TryParse(text, out double value, out var consumed) || consumed != text.Length || !double.IsFinite(value))
        {
            throw new CanonicalFormException("a number does not fit a double");
        }

        if (value == 0)
        {
            target.Write((byte)'0');
            return;
        }

        if (value < 0) target.Write((byte)'-');
        Span<byte> shortest = stackalloc byte[32];
        // "E16" would round; "R" gives the shortest digits, in one of two layouts that are taken apart below.
        Math.Abs(value).TryFormat(shortest, out var length, "R", CultureInfo.InvariantCulture);
        Span<byte> digits = stackalloc byte[32];
        var count = TakeApart(shortest[..length], digits, out var point);
        Lay(digits[..count], point, target);
    }

    // digits d1…dk without leading or trailing zeros; value = 0.d1…dk × 10^point
    private static int TakeApart(ReadOnlySpan<byte> shortest, Span<byte> digits, out int point)
    {
        var exponentAt = shortest.IndexOf((byte)'E');
        var exponent = exponentAt < 0 ? 0 : int.Parse(shortest[(exponentAt + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = exponentAt < 0 ? shortest : shortest[..exponentAt];
        var dot = mantissa.IndexOf((byte)'.');
        point = (dot < 0 ? mantissa.Length : dot) + exponent;
        var count = 0;
        foreach (var code in mantissa)
        {
            if (code == '.') continue;
            if (count == 0 && code == '0')
            {
                point--;
                continue;
            }

            digits[count++] = code;
        }

        while (digits[count - 1] == '0') count--;
        return count;
    }

    private static void Lay(ReadOnlySpan<byte> digits, int point, ByteBuffer target)
    {
        if (point is > 0 and <= 21)
        {
            target.Write(digits[..Math.Min(point, digits.Length)]);
            if (point >= digits.Length)
            {
                target.Fill((byte)'0', point - digits.Length);
                return;
            }

            target.Write((byte)'.');
            target.Write(digits[point..]);
        }
        else if (point is > -6 and <= 0)
        {
            target.Write("0."u8);
            target.Fill((byte)'0', -point);
            target.Write(digits);
        }
        else
        {
            target.Write(digits[0]);
            if (digits.Length > 1)
            {
                target.Write((byte)'.');
                target.Write(digits[1..]);
            }

            target.Write((byte)'e');
            target.Write(point - 1 < 0 ? (byte)'-' : (byte)'+');
            Span<byte> exponent = stackalloc byte[4];
            Math.Abs(point - 1).TryFormat(exponent, out var length, default, CultureInfo.InvariantCulture);
            target.Write(exponent[..length]);
        }
    }
}
