using System.Numerics;

namespace Caracal.Rego.Numbers;

/// <summary>Why an arithmetic operation has no result.</summary>
internal sealed class ArithmeticFault(string message) : Exception(message);

/// <summary>The operators on numbers: exact on integers, 64-bit mantissa elsewhere.</summary>
internal static class Arithmetic
{
    private const int MaxBits = 131_072;

    public static NumberValue Add(NumberValue a, NumberValue b)
    {
        if (a.IsSmall && b.IsSmall)
        {
            var sum = unchecked(a.Small + b.Small);
            if (((a.Small ^ sum) & (b.Small ^ sum)) >= 0) return NumberValue.From(sum);
        }

        return a.IsInteger && b.IsInteger
            ? Exact(a.Integer + b.Integer)
            : Rounded(WideFloat.Add(WideFloat.From(a), WideFloat.From(b)));
    }

    public static NumberValue Subtract(NumberValue a, NumberValue b)
    {
        if (a.IsSmall && b.IsSmall)
        {
            var difference = unchecked(a.Small - b.Small);
            if (((a.Small ^ b.Small) & (a.Small ^ difference)) >= 0) return NumberValue.From(difference);
        }

        return a.IsInteger && b.IsInteger
            ? Exact(a.Integer - b.Integer)
            : Rounded(WideFloat.Subtract(WideFloat.From(a), WideFloat.From(b)));
    }

    public static NumberValue Multiply(NumberValue a, NumberValue b)
    {
        if (a.IsSmall && b.IsSmall)
        {
            var high = Math.BigMul(a.Small, b.Small, out var low);
            if (high == low >> 63) return NumberValue.From(low);
        }

        return a.IsInteger && b.IsInteger
            ? Exact(a.Integer * b.Integer)
            : Rounded(WideFloat.Multiply(WideFloat.From(a), WideFloat.From(b)));
    }

    public static NumberValue Divide(NumberValue a, NumberValue b)
    {
        if (b.IsZero) throw new ArithmeticFault("divide by zero");
        if (a.IsInteger && b.IsInteger)
        {
            var q = BigInteger.DivRem(a.Integer, b.Integer, out var rest);
            if (rest.IsZero) return NumberValue.From(q);
        }

        return Rounded(WideFloat.Divide(WideFloat.From(a), WideFloat.From(b)));
    }

    public static NumberValue Remainder(NumberValue a, NumberValue b)
    {
        if (!a.IsInteger || !b.IsInteger) throw new ArithmeticFault("modulo on floating-point number");
        if (b.IsZero) throw new ArithmeticFault("modulo by zero");
        if (a.IsSmall && b.IsSmall && b.Small != -1) return NumberValue.From(a.Small % b.Small);
        return NumberValue.From(BigInteger.Remainder(a.Integer, b.Integer));
    }

    public static NumberValue Negate(NumberValue a) =>
        a.IsInteger ? NumberValue.From(-a.Integer) : NumberValue.From(-a.Coefficient, a.Exponent);

    public static NumberValue Abs(NumberValue a) => a.Sign < 0 ? Negate(a) : a;

    public static NumberValue Floor(NumberValue a) => Whole(a, static (q, rest) => rest.Sign < 0 ? q - 1 : q);

    public static NumberValue Ceiling(NumberValue a) => Whole(a, static (q, rest) => rest.Sign > 0 ? q + 1 : q);

    /// <summary>Rounds half away from zero.</summary>
    public static NumberValue Round(NumberValue a)
    {
        if (a.IsInteger) return a;
        var unit = BigInteger.Pow(10, -a.Exponent);
        var q = BigInteger.DivRem(a.Coefficient, unit, out var rest);
        if (BigInteger.Abs(rest) * 2 >= unit) q += a.Sign;
        return NumberValue.From(q);
    }

    /// <summary>The whole part, towards zero.</summary>
    public static BigInteger Truncate(NumberValue a) =>
        a.IsInteger ? a.Integer : BigInteger.Divide(a.Coefficient, BigInteger.Pow(10, -a.Exponent));

    private static NumberValue Whole(NumberValue a, Func<BigInteger, BigInteger, BigInteger> adjust)
    {
        if (a.IsInteger) return a;
        var q = BigInteger.DivRem(a.Coefficient, BigInteger.Pow(10, -a.Exponent), out var rest);
        return NumberValue.From(adjust(q, rest));
    }

    public static NumberValue Exact(BigInteger value) =>
        value.GetBitLength() > MaxBits ? throw new ArithmeticFault("number too big") : NumberValue.From(value);

    private static NumberValue Rounded(WideFloat value) =>
        Math.Abs(value.Magnitude) > MaxBits ? throw new ArithmeticFault("number too big") : value.ToNumber();
}
