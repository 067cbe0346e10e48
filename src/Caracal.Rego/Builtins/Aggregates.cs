using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Builtins over whole collections.</summary>
internal static class Aggregates
{
    public static void AddTo(BuiltinSet all)
    {
        all.Add("count", ["array|object|set|string"], static (in c) => NumberValue.From(c[0] is StringValue s ? CodePoints.Count(s.Text) : c[0].Count));
        all.Add("sum", ["array|set"], static (in c) => Fold(c, NumberValue.From(0), Arithmetic.Add));
        all.Add("product", ["array|set"], static (in c) => Fold(c, NumberValue.From(1), Arithmetic.Multiply));
        all.Add(new Builtin("max", ["array|set"], static (in c) => Extreme(c, 1)) { Selects = true });
        all.Add(new Builtin("min", ["array|set"], static (in c) => Extreme(c, -1)) { Selects = true });
        all.Add("sort", ["array|set"], Sort);
        all.Add(new Builtin("all", ["array|set"], static (in c) => RegoValue.Boolean(AllTrue(c[0]))) { IsDeprecated = true });
        all.Add(new Builtin("any", ["array|set"], static (in c) => RegoValue.Boolean(AnyTrue(c[0]))) { IsDeprecated = true });
        all.Add("union", ["set"], static (in c) => Combine(c, intersect: false));
        all.Add("intersection", ["set"], static (in c) => Combine(c, intersect: true));
    }

    public static ReadOnlySpan<RegoValue> Items(RegoValue collection) => collection is ArrayValue a ? a.Span : ((SetValue)collection).Sorted;

    private static bool AllTrue(RegoValue collection)
    {
        foreach (var item in Items(collection))
        {
            if (!ReferenceEquals(item, RegoValue.True)) return false;
        }

        return true;
    }

    private static bool AnyTrue(RegoValue collection)
    {
        foreach (var item in Items(collection))
        {
            if (ReferenceEquals(item, RegoValue.True)) return true;
        }

        return false;
    }

    private static RegoValue? Fold(in BuiltinCall c, NumberValue start, Func<NumberValue, NumberValue, NumberValue> step)
    {
        var result = start;
        foreach (var item in Items(c[0]))
        {
            if (item is not NumberValue n) return c.WrongOperand(0, $"{(c[0] is SetValue ? "set" : "array")} of numbers", $"{(c[0] is SetValue ? "set" : "array")} containing {Builtin.KindName(item.Kind)}");
            c.Context.Tick();
            result = step(result, n);
            if (!result.IsSmall) c.Context.Charge(result.Weight);
        }

        return result;
    }

    private static RegoValue? Extreme(in BuiltinCall c, int sign)
    {
        RegoValue? best = null;
        c.Context.Charge(c[0].Count / 4);
        foreach (var item in Items(c[0]))
        {
            if (best is null || ValueOrder.Compare(item, best) * sign > 0) best = item;
        }

        return best;
    }

    private static RegoValue Sort(in BuiltinCall c)
    {
        if (c[0].Count == 0) return ArrayValue.Empty;
        c.Context.Charge(c[0].Count);
        if (c[0] is SetValue s) return new ArrayValue([.. s.Sorted]);
        RegoValue[] items = [.. ((ArrayValue)c[0]).Span];
        Order(c.Context, items);
        return new ArrayValue(items);
    }

    /// <summary>Equal values are interchangeable, so stability does not matter.</summary>
    private static void Order(Evaluation.EvalContext ctx, RegoValue[] items)
    {
        try
        {
            System.Array.Sort(items, (a, b) =>
            {
                ctx.Tick();
                if (a is NumberValue { IsSmall: false } n) ctx.Charge(n.Weight);
                else ctx.ChargeComparison(a, b);
                return ValueOrder.Compare(a, b);
            });
        }
        catch (InvalidOperationException e) when (e.InnerException is Evaluation.EvalException inner)
        {
            throw new Evaluation.EvalException(inner.Code, inner.Message, inner.Place);
        }
    }

    private static RegoValue? Combine(in BuiltinCall c, bool intersect)
    {
        SetValue? result = null;
        foreach (var item in Items(c[0]))
        {
            if (item is not SetValue s) return c.WrongOperand(0, "set of sets", $"set containing {Builtin.KindName(item.Kind)}");
            c.Context.Charge(1 + s.Count + (result?.Count ?? 0));
            result = result is null ? s : intersect ? Operators.Intersection(result, s) : Operators.Union(result, s);
        }

        return result ?? SetValue.Empty;
    }
}

/// <summary>Positions in strings count code points.</summary>
internal static class CodePoints
{
    public static int Count(string text)
    {
        var n = text.Length;
        for (var i = 1; i < text.Length; i++)
        {
            if (char.IsLowSurrogate(text[i]) && char.IsHighSurrogate(text[i - 1])) n--;
        }

        return n;
    }

    /// <summary>The UTF-16 position of a code point position; the end when it is beyond.</summary>
    public static int ToUnits(string text, long position)
    {
        var at = 0;
        while (position > 0 && at < text.Length)
        {
            at += char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) ? 2 : 1;
            position--;
        }

        return at;
    }

    /// <summary>The code point position of a UTF-16 position.</summary>
    public static int FromUnits(string text, int at)
    {
        var n = at;
        for (var i = 1; i < at; i++)
        {
            if (char.IsLowSurrogate(text[i]) && char.IsHighSurrogate(text[i - 1])) n--;
        }

        return n;
    }
}
