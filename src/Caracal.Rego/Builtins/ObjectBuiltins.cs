using Caracal.Rego.Evaluation;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Builtins on objects.</summary>
internal static class ObjectBuiltins
{
    public static void AddTo(BuiltinSet all)
    {
        all.Add(new Builtin("object.get", ["object", "any", "any"], Get) { Selects = true });
        all.Add("object.keys", ["object"], Keys);
        all.Add("object.filter", ["object", "object|set|array"], static (in c) => Pick(c, keep: true));
        all.Add("object.remove", ["object", "object|set|array"], static (in c) => Pick(c, keep: false));
        all.Add("object.union", ["object", "object"], static (in c) => Union(c.Context, (ObjectValue)c[0], (ObjectValue)c[1]));
        all.Add("object.union_n", ["array"], UnionAll);
        all.Add("object.subset", ["object|set|array", "object|set|array"], Subset);
        all.Add(new Builtin("walk", ["any"], null) { Relation = Walk });
    }

    private static RegoValue Get(in BuiltinCall c)
    {
        if (c[1] is not ArrayValue path) return c[0].Find(c[1]) ?? c[2];
        var value = c[0];
        foreach (var key in path.Span)
        {
            if (value.Find(key) is not { } next) return c[2];
            value = next;
        }

        return value;
    }

    private static SetValue Keys(in BuiltinCall c)
    {
        var o = (ObjectValue)c[0];
        var builder = new SetBuilder(o.Count);
        for (var i = 0; i < o.Count; i++) builder.Add(o.KeyAt(i));
        return builder.Build();
    }

    private static ObjectValue Pick(in BuiltinCall c, bool keep)
    {
        var o = (ObjectValue)c[0];
        var keys = new SetBuilder();
        switch (c[1])
        {
            case ObjectValue wanted:
                for (var i = 0; i < wanted.Count; i++) keys.Add(wanted.KeyAt(i));
                break;
            case var list:
                foreach (var key in Aggregates.Items(list)) keys.Add(key);
                break;
        }

        c.Context.Charge((o.Count + keys.Count) / 4);
        var builder = new ObjectBuilder();
        for (var i = 0; i < o.Count; i++)
        {
            if (keys.Contains(o.KeyAt(i)) == keep) builder.Set(o.KeyAt(i), o.ValueAt(i));
        }

        return builder.Build();
    }

    private static ObjectValue Union(EvalContext ctx, ObjectValue a, ObjectValue b)
    {
        ctx.Charge((a.Count + b.Count) / 8);
        ctx.ChargeMemory(64 + ((a.Count + b.Count) * 24L));
        var builder = new ObjectBuilder(a.Count);
        builder.SetAll(a);
        for (var i = 0; i < b.Count; i++)
        {
            var key = b.KeyAt(i);
            builder.Set(key, a.Find(key) is ObjectValue x && b.ValueAt(i) is ObjectValue y ? Union(ctx, x, y) : b.ValueAt(i));
        }

        return builder.Build();
    }

    private static RegoValue? UnionAll(in BuiltinCall c)
    {
        var result = ObjectValue.Empty;
        foreach (var item in ((ArrayValue)c[0]).Span)
        {
            if (item is not ObjectValue o) return c.WrongOperand(0, "array of objects", $"array containing {Builtin.KindName(item.Kind)}");
            c.Context.Tick();
            result = Union(c.Context, result, o);
        }

        return result;
    }

    private static RegoValue? Subset(in BuiltinCall c)
    {
        c.Context.Charge((c[0].Count + c[1].Count) / 4);
        switch (c[0], c[1])
        {
            case (ObjectValue a, ObjectValue b): return RegoValue.Boolean(Within(c.Context, a, b));
            case (SetValue a, SetValue b): return RegoValue.Boolean(Within(a, b));
            case (ArrayValue a, ArrayValue b): return RegoValue.Boolean(Runs(c.Context, a.Span, b.Span));
            case (ArrayValue a, SetValue b): return RegoValue.Boolean(Within((SetValue)RegoValue.Set(a.Items), b));
            default: return c.WrongType("both arguments object.subset must be of the same type or array and set");
        }
    }

    private static bool Within(EvalContext ctx, ObjectValue whole, ObjectValue part)
    {
        ctx.Charge(part.Count / 4);
        for (var i = 0; i < part.Count; i++)
        {
            if (whole.Find(part.KeyAt(i)) is not { } value) return false;
            var wanted = part.ValueAt(i);
            var fits = (value, wanted) switch
            {
                (ObjectValue v, ObjectValue w) => Within(ctx, v, w),
                (SetValue v, SetValue w) => Within(v, w),
                (ArrayValue v, ArrayValue w) => Runs(ctx, v.Span, w.Span),
                _ => value.Equals(wanted),
            };
            if (!fits) return false;
        }

        return true;
    }

    private static bool Within(SetValue whole, SetValue part)
    {
        for (var i = 0; i < part.Count; i++)
        {
            if (!whole.Contains(part.MemberAt(i))) return false;
        }

        return true;
    }

    /// <summary>Whether one array occurs in another as a contiguous run.</summary>
    private static bool Runs(EvalContext ctx, ReadOnlySpan<RegoValue> whole, ReadOnlySpan<RegoValue> part)
    {
        for (var start = 0; start + part.Length <= whole.Length; start++)
        {
            var at = 0;
            while (at < part.Length && whole[start + at].Equals(part[at])) at++;
            ctx.Charge(1 + at);
            if (at == part.Length) return true;
        }

        return false;
    }

    /// <summary>Every place in a value with its path: parents first, keys ascending.</summary>
    private static IEnumerable<RegoValue> Walk(EvalContext ctx, RegoValue[] args)
    {
        var path = new List<RegoValue>();
        var work = new Stack<IEnumerator<(RegoValue Key, RegoValue Value)>>();
        yield return At(args[0]);
        work.Push(Children(args[0]).GetEnumerator());
        while (work.Count > 0)
        {
            var top = work.Peek();
            if (!top.MoveNext())
            {
                work.Pop();
                if (path.Count > 0) path.RemoveAt(path.Count - 1);
                continue;
            }

            ctx.Tick();
            var (key, value) = top.Current;
            path.Add(key);
            yield return At(value);
            work.Push(Children(value).GetEnumerator());
        }

        ArrayValue At(RegoValue value)
        {
            ctx.ChargeMemory(96 + (path.Count * 8L));
            return new ArrayValue([path.Count == 0 ? ArrayValue.Empty : new ArrayValue([.. path]), value]);
        }
    }

    private static IEnumerable<(RegoValue Key, RegoValue Value)> Children(RegoValue value) => value switch
    {
        ObjectValue o => o.Properties.Select(p => (p.Key, p.Value)),
        ArrayValue a => a.Items.Select((item, i) => (RegoValue.Number(i), item)),
        SetValue s => s.Sorted.Select(m => (m, m)),
        _ => [],
    };
}
