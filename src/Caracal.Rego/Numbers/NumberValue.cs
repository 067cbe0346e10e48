using System.Numerics;

namespace Caracal.Rego.Numbers;

/// <summary>
/// An exact decimal number. Integers that fit are held as such; everything else is coefficient × 10^exponent
/// with no trailing zero in the coefficient, so that equal numbers have one representation.
/// </summary>
internal sealed class NumberValue : RegoValue
{
    private const int CacheLow = -128;
    private const int CacheHigh = 1023;

    private static readonly NumberValue[] s_cache = BuildCache();

    private readonly long _small;
    private readonly bool _isBig;
    private string? _text;

    private NumberValue(long small) => _small = small;

    private NumberValue(BigInteger coefficient, int exponent)
    {
        _isBig = true;
        Coefficient10 = coefficient;
        Exponent10 = exponent;
    }

    private BigInteger Coefficient10 { get; }

    private int Exponent10 { get; }

    public override RegoKind Kind => RegoKind.Number;

    public override int Size => _isBig ? 1 + (int)(Coefficient10.GetBitLength() / 3) + Math.Max(0, Exponent10) : 1;

    public bool IsSmall => !_isBig;

    public long Small => _small;

    public bool IsInteger => !_isBig || Exponent10 >= 0;

    public bool IsZero => !_isBig && _small == 0;

    public int Sign => _isBig ? Coefficient10.Sign : Math.Sign(_small);

    public BigInteger Coefficient => _isBig ? Coefficient10 : _small;

    public int Exponent => _isBig ? Exponent10 : 0;

    /// <summary>How much work arithmetic on this number is, in steps.</summary>
    public int Weight => _isBig ? 1 + (int)(Coefficient10.GetBitLength() / 64) + (Math.Abs(Exponent10) / 16) : 1;

    /// <summary>The whole value of an integer.</summary>
    public BigInteger Integer => !_isBig ? _small : Coefficient10 * BigInteger.Pow(10, Exponent10);

    /// <summary>The number in plain digits, or with an exponent when it is far from one.</summary>
    public string Text => _text ??= DecimalText.Format(this);

    public static NumberValue From(long value) =>
        value is >= CacheLow and <= CacheHigh ? s_cache[value - CacheLow] : new NumberValue(value);

    public static NumberValue From(BigInteger value) =>
        value >= long.MinValue && value <= long.MaxValue ? From((long)value) : From(value, 0);

    public static NumberValue From(BigInteger coefficient, int exponent)
    {
        if (coefficient.IsZero) return From(0);
        StripZeros(ref coefficient, ref exponent);
        if (exponent is >= 0 and <= 18)
        {
            var whole = exponent == 0 ? coefficient : coefficient * BigInteger.Pow(10, exponent);
            if (whole >= long.MinValue && whole <= long.MaxValue) return From((long)whole);
        }

        return new NumberValue(coefficient, exponent);
    }

    public override bool TryGetInt64(out long value)
    {
        value = _small;
        return !_isBig;
    }

    public double ToDouble() =>
        _isBig ? double.Parse(Text, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture) : _small;

    public override bool Equals(RegoValue? other) =>
        ReferenceEquals(this, other)
        || (other is NumberValue n && _isBig == n._isBig && _small == n._small
            && (!_isBig || (Exponent10 == n.Exponent10 && Coefficient10 == n.Coefficient10)));

    public override int GetHashCode() =>
        _isBig ? HashCode.Combine(Coefficient10, Exponent10) : HashCode.Combine(_small);

    public static int Compare(NumberValue a, NumberValue b)
    {
        if (!a._isBig && !b._isBig) return a._small.CompareTo(b._small);
        if (a.Sign != b.Sign) return a.Sign < b.Sign ? -1 : 1;
        var x = a.Coefficient;
        var y = b.Coefficient;
        var roughly = Magnitude(x, a.Exponent) - Magnitude(y, b.Exponent);
        if (Math.Abs(roughly) > 2) return roughly > 0 == a.Sign > 0 ? 1 : -1;
        var e = Math.Min(a.Exponent, b.Exponent);
        x *= BigInteger.Pow(10, a.Exponent - e);
        y *= BigInteger.Pow(10, b.Exponent - e);
        return x.CompareTo(y);
    }

    private static double Magnitude(BigInteger coefficient, int exponent) =>
        BigInteger.Abs(coefficient).GetBitLength() + (exponent * 3.3219280948873623);

    private static void StripZeros(ref BigInteger coefficient, ref int exponent)
    {
        if (!coefficient.IsEven) return;
        // Big powers first, so that long runs of zeros are removed in few divisions.
        for (var step = 4096; step >= 1; step /= 2)
        {
            if (step > 1 && BigInteger.Abs(coefficient).GetBitLength() < step * 3.3) continue;
            var power = BigInteger.Pow(10, step);
            while (true)
            {
                var quotient = BigInteger.DivRem(coefficient, power, out var rest);
                if (!rest.IsZero) break;
                coefficient = quotient;
                exponent += step;
            }
        }
    }

    private static NumberValue[] BuildCache()
    {
        var cache = new NumberValue[CacheHigh - CacheLow + 1];
        for (var i = 0; i < cache.Length; i++) cache[i] = new NumberValue(i + CacheLow);
        return cache;
    }
}
