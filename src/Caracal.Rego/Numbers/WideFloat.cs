using System.Globalization;
using System.Numerics;
using System.Text;

namespace Caracal.Rego.Numbers;

/// <summary>
/// Binary floating point with a 64-bit mantissa and unbounded exponent, rounding to nearest even:
/// the arithmetic of numbers that are not integers (rego.md 2).
/// </summary>
internal readonly struct WideFloat
{
    private const int Precision = 64;

    // Value = Mantissa × 2^Exponent; the mantissa is signed and at most 64 bits long.
    private WideFloat(BigInteger mantissa, int exponent)
    {
        Mantissa = mantissa;
        Exponent = exponent;
    }

    private BigInteger Mantissa { get; }

    private int Exponent { get; }

    public static WideFloat From(NumberValue n)
    {
        if (n.IsSmall) return Round(n.Small, 0, false);
        if (n.Exponent >= 0) return Round(n.Integer, 0, false);
        return Quotient(n.Coefficient, BigInteger.Pow(10, -n.Exponent), 0);
    }

    public static WideFloat Add(WideFloat a, WideFloat b)
    {
        if (a.Mantissa.IsZero) return b;
        if (b.Mantissa.IsZero) return a;
        var (high, low) = a.Exponent >= b.Exponent ? (a, b) : (b, a);
        var gap = high.Exponent - low.Exponent;
        // Far apart, the smaller operand can only decide the rounding: one sticky unit stands for it.
        if (gap > 2 * Precision + 4) return Round((high.Mantissa << (Precision + 4)) + low.Mantissa.Sign, high.Exponent - Precision - 4, false);
        return Round((high.Mantissa << gap) + low.Mantissa, low.Exponent, false);
    }

    public static WideFloat Subtract(WideFloat a, WideFloat b) => Add(a, new WideFloat(-b.Mantissa, b.Exponent));

    public static WideFloat Multiply(WideFloat a, WideFloat b) => Round(a.Mantissa * b.Mantissa, a.Exponent + b.Exponent, false);

    public static WideFloat Divide(WideFloat a, WideFloat b) => Quotient(a.Mantissa, b.Mantissa, a.Exponent - b.Exponent);

    /// <summary>The exponent of the leading bit.</summary>
    public long Magnitude => Mantissa.IsZero ? 0 : Exponent + BigInteger.Abs(Mantissa).GetBitLength();

    public NumberValue ToNumber()
    {
        if (Mantissa.IsZero) return NumberValue.From(0);
        if (Exponent >= 0) return NumberValue.From(Mantissa << Exponent);
        var zeros = TrailingZeros(Mantissa);
        if (zeros >= -Exponent) return NumberValue.From(Mantissa >> -Exponent);
        return ShortestDecimal();
    }

    private static WideFloat Quotient(BigInteger numerator, BigInteger denominator, int exponent)
    {
        if (numerator.IsZero) return new WideFloat(BigInteger.Zero, 0);
        var have = BigInteger.Abs(numerator).GetBitLength() - BigInteger.Abs(denominator).GetBitLength();
        var shift = (int)Math.Max(0, Precision + 2 - have);
        var q = BigInteger.DivRem(numerator << shift, denominator, out var rest);
        return Round(q, exponent - shift, !rest.IsZero);
    }

    private static WideFloat Round(BigInteger value, int exponent, bool sticky)
    {
        var negative = value.Sign < 0;
        var m = BigInteger.Abs(value);
        var excess = (int)(m.GetBitLength() - Precision);
        if (excess > 0)
        {
            var kept = m >> excess;
            var cut = m - (kept << excess);
            var half = BigInteger.One << (excess - 1);
            var side = cut.CompareTo(half);
            if (side > 0 || (side == 0 && (sticky || !kept.IsEven))) kept += BigInteger.One;
            m = kept;
            exponent += excess;
        }

        return new WideFloat(negative ? -m : m, m.IsZero ? 0 : exponent);
    }

    private static int TrailingZeros(BigInteger value)
    {
        var m = BigInteger.Abs(value);
        return (int)BigInteger.TrailingZeroCount(m);
    }

    /// <summary>The shortest decimal that reads back to the same 64-bit mantissa.</summary>
    private NumberValue ShortestDecimal()
    {
        // Normalise to a full 64-bit mantissa, so that the neighbours are one unit away.
        var m = BigInteger.Abs(Mantissa);
        var lift = Precision - (int)m.GetBitLength();
        m <<= lift;
        var e = Exponent - lift;
        var even = m.IsEven;
        var atPower = m == BigInteger.One << (Precision - 1);

        var r = m << 2;
        var s = BigInteger.One << 2;
        var above = BigInteger.One << 1;
        var below = atPower ? BigInteger.One : above;
        if (e >= 0)
        {
            r <<= e;
            above <<= e;
            below <<= e;
        }
        else
        {
            s <<= -e;
        }

        var k = (int)Math.Ceiling(((double)(e + Precision - 1) * 0.30102999566398120) - 1e-10);
        if (k >= 0)
        {
            s *= BigInteger.Pow(10, k);
        }
        else
        {
            var scale = BigInteger.Pow(10, -k);
            r *= scale;
            above *= scale;
            below *= scale;
        }

        var high = r + above;
        if (even ? high >= s : high > s)
        {
            k++;
        }
        else
        {
            r *= 10;
            above *= 10;
            below *= 10;
        }

        var digits = new StringBuilder();
        while (true)
        {
            var digit = (int)BigInteger.DivRem(r, s, out r);
            var low = even ? r <= below : r < below;
            var top = even ? r + above >= s : r + above > s;
            if (low || top)
            {
                if (low && top) digit += r << 1 < s ? 0 : 1;
                else if (top) digit++;
                digits.Append((char)('0' + digit));
                break;
            }

            digits.Append((char)('0' + digit));
            r *= 10;
            above *= 10;
            below *= 10;
        }

        var coefficient = BigInteger.Zero;
        foreach (var c in digits.ToString()) coefficient = (coefficient * 10) + (c - '0');
        return NumberValue.From(Mantissa.Sign < 0 ? -coefficient : coefficient, k - digits.Length);
    }
}
