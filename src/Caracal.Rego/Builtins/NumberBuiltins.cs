using System.Numerics;
using Caracal.Rego.Numbers;

namespace Caracal.Rego.Builtins;

/// <summary>Builtins on numbers and their bits.</summary>
internal static class NumberBuiltins
{
    private const int MaxShift = 131_072;

    public static void AddTo(BuiltinSet all)
    {
        all.Add("abs", ["number"], static (in c) => Arithmetic.Abs(c.Number(0)));
        all.Add("ceil", ["number"], static (in c) => Arithmetic.Ceiling(c.Number(0)));
        all.Add("floor", ["number"], static (in c) => Arithmetic.Floor(c.Number(0)));
        all.Add("round", ["number"], static (in c) => Arithmetic.Round(c.Number(0)));
        all.Add("bits.and", ["number", "number"], static (in c) => Whole(c, 2) ? Arithmetic.Exact(c.Number(0).Integer & c.Number(1).Integer) : null);
        all.Add("bits.or", ["number", "number"], static (in c) => Whole(c, 2) ? Arithmetic.Exact(c.Number(0).Integer | c.Number(1).Integer) : null);
        all.Add("bits.xor", ["number", "number"], static (in c) => Whole(c, 2) ? Arithmetic.Exact(c.Number(0).Integer ^ c.Number(1).Integer) : null);
        all.Add("bits.negate", ["number"], static (in c) => Whole(c, 1) ? Arithmetic.Exact(-c.Number(0).Integer - 1) : null);
        all.Add("bits.lsh", ["number", "number"], static (in c) => Shift(c, left: true));
        all.Add("bits.rsh", ["number", "number"], static (in c) => Shift(c, left: false));
    }

    private static bool Whole(in BuiltinCall c, int operands)
    {
        for (var i = 0; i < operands; i++)
        {
            if (c.Number(i).IsInteger) continue;
            c.WrongOperand(i, "integer number", "floating-point number");
            return false;
        }

        return true;
    }

    private static RegoValue? Shift(in BuiltinCall c, bool left)
    {
        if (!Whole(c, 2)) return null;
        if (c.Number(1).Sign < 0) return c.WrongOperand(1, "an unsigned integer number", "a negative integer");
        var value = c.Number(0).Integer;
        var by = c.Number(1).Integer;
        if (left)
        {
            if (value.IsZero) return NumberValue.From(0);
            if (by > MaxShift) return c.Fail("number too big");
            return Arithmetic.Exact(value << (int)by);
        }

        return NumberValue.From(by > int.MaxValue ? value.Sign < 0 ? BigInteger.MinusOne : BigInteger.Zero : value >> (int)by);
    }
}
