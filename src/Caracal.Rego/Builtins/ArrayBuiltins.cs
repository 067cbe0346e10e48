using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Builtins on arrays, and ranges of numbers.</summary>
internal static class ArrayBuiltins
{
    public static void AddTo(BuiltinSet all)
    {
        all.Add("array.concat", ["array", "array"], static (in c) => Concat((ArrayValue)c[0], (ArrayValue)c[1]));
        all.Add("array.reverse", ["array"], Reverse);
        all.Add("array.slice", ["array", "number", "number"], Slice);
        all.Add("array.flatten", ["array"], Flatten);
        all.Add("numbers.range", ["number", "number"], static (in c) => Range(c, 1));
        all.Add("numbers.range_step", ["number", "number", "number"], RangeStep);
    }

    private static ArrayValue Concat(ArrayValue a, ArrayValue b) =>
        a.Count == 0 ? b : b.Count == 0 ? a : new ArrayValue([.. a.Span, .. b.Span]);

    private static ArrayValue Reverse(in BuiltinCall c)
    {
        RegoValue[] items = [.. ((ArrayValue)c[0]).Span];
        System.Array.Reverse(items);
        return new ArrayValue(items);
    }

    private static RegoValue? Slice(in BuiltinCall c)
    {
        var items = ((ArrayValue)c[0]).Span;
        if (!c.Number(1).IsInteger || !c.Number(2).IsInteger) return c.WrongOperand(c.Number(1).IsInteger ? 2 : 1, "integer number", "floating-point number");
        var start = (int)System.Numerics.BigInteger.Clamp(c.Number(1).Integer, 0, items.Length);
        var stop = (int)System.Numerics.BigInteger.Clamp(c.Number(2).Integer, 0, items.Length);
        return stop <= start ? ArrayValue.Empty : new ArrayValue(items[start..stop].ToArray());
    }

    private static ArrayValue Flatten(in BuiltinCall c)
    {
        var items = new List<RegoValue>();
        foreach (var item in ((ArrayValue)c[0]).Span)
        {
            if (item is ArrayValue inner) items.AddRange(inner.Span);
            else items.Add(item);
            c.Context.CheckCollection(items.Count);
        }

        return new ArrayValue([.. items]);
    }

    private static RegoValue? RangeStep(in BuiltinCall c)
    {
        if (!c.Number(2).IsInteger) return c.WrongOperand(2, "integer number", "floating-point number");
        if (c.Number(2).Sign <= 0) return c.Fail("step must be a positive integer");
        return Range(c, c.Number(2).Integer);
    }

    private static RegoValue? Range(in BuiltinCall c, System.Numerics.BigInteger step)
    {
        for (var i = 0; i < 2; i++)
        {
            if (!c.Number(i).IsInteger) return c.WrongOperand(i, "integer number", "floating-point number");
        }

        var from = c.Number(0).Integer;
        var to = c.Number(1).Integer;
        var count = (System.Numerics.BigInteger.Abs(to - from) / step) + 1;
        if (count > c.Context.Limits.CollectionSize) throw c.Context.Limit("collection too large");
        c.Context.ChargeMemory((long)count * 32);
        var items = new RegoValue[(int)count];
        var delta = to >= from ? step : -step;
        for (var i = 0; i < items.Length; i++)
        {
            c.Context.Tick();
            items[i] = NumberValue.From(from + (delta * i));
        }

        return new ArrayValue(items);
    }
}
