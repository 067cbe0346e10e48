using Caracal.Rego.Compilation;
using Caracal.Rego.Syntax;
using Caracal.Rego.Values;

namespace Caracal.Rego.Evaluation;

/// <summary>A term whose variables are all bound. Null means undefined.</summary>
internal abstract class Expr
{
    public abstract RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r);

    /// <summary>The value itself, never a place under data.</summary>
    public RegoValue? EvalValue(EvalContext ctx, Span<RegoValue?> r)
    {
        var value = Eval(ctx, r);
        return value is DataCursor c ? c.Value(ctx) : value;
    }
}

internal sealed class ConstExpr(RegoValue value) : Expr
{
    public RegoValue Value { get; } = value;

    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r) => Value;
}

internal sealed class RegisterExpr(int slot) : Expr
{
    public int Slot { get; } = slot;

    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r) => r[Slot];
}

internal sealed class InputExpr : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r) => ctx.Layer.Input;
}

/// <summary>A constant path of string keys below another term.</summary>
internal sealed class PathExpr(Expr root, StringValue[] keys) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r)
    {
        var value = root.Eval(ctx, r);
        foreach (var key in keys)
        {
            value = value switch
            {
                ObjectValue o => o.FindString(key),
                DataCursor c => c.Get(ctx, key),
                SetValue s => s.Find(key),
                _ => null,
            };
            if (value is null) return null;
        }

        return value;
    }
}

internal sealed class IndexExpr(Expr root, Expr key) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r)
    {
        var value = root.Eval(ctx, r);
        if (value is null) return null;
        var k = key.EvalValue(ctx, r);
        if (k is null) return null;
        return value is DataCursor c ? c.Get(ctx, k) : value.Find(k);
    }
}

/// <summary>Turns a place under data into its value.</summary>
internal sealed class ValueExpr(Expr inner) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r) => inner.EvalValue(ctx, r);
}

/// <summary>A constant path under data that no rule can reach.</summary>
internal sealed class BaseExpr(RegoValue[] path) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r)
    {
        if (ctx.Layer.Data is not null) return DataWalk.To(ctx, path);
        RegoValue? value = ctx.Policy.Data;
        foreach (var key in path)
        {
            value = DataCursor.FindBase(value, key);
            if (value is null) return null;
        }

        return value.Kind >= RegoKind.Array ? new DataCursor(null, value, null) : value;
    }
}

/// <summary>The document defined by a rule group, reached by a constant path.</summary>
internal sealed class GroupExpr(RuleGroup group, RegoValue[] path) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r) =>
        ctx.Layer.Data is null ? ctx.ValueOf(group) : DataWalk.To(ctx, path);
}

/// <summary>A node of the tree of rules, reached by a constant path.</summary>
internal sealed class NodeExpr(TreeNode node, RegoValue[] path) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r)
    {
        if (ctx.Layer.Data is not null) return DataWalk.To(ctx, path);
        if (node.IsConstant && ctx.UsesConstants && ctx.Policy.Constants[node.Slot] is { } known)
            return ReferenceEquals(known, UndefinedMark.Instance) ? null : known;
        RegoValue? below = ctx.Policy.Data;
        foreach (var key in path) below = DataCursor.FindBase(below, key);
        return new DataCursor(node, below, null);
    }
}

internal static class DataWalk
{
    public static RegoValue? To(EvalContext ctx, RegoValue[] path)
    {
        RegoValue? value = DataCursor.Root(ctx);
        foreach (var key in path)
        {
            value = value is DataCursor c ? c.Get(ctx, key) : value.Find(key);
            if (value is null) return null;
        }

        return value;
    }
}

internal sealed class ArrayExpr(Expr[] items) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r)
    {
        var values = new RegoValue[items.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var value = items[i].EvalValue(ctx, r);
            if (value is null) return null;
            values[i] = value;
        }

        ctx.ChargeMemory(56 + (values.Length * 8L));
        return new ArrayValue(values);
    }
}

internal sealed class SetExpr(Expr[] items) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r)
    {
        var builder = new SetBuilder(items.Length);
        foreach (var item in items)
        {
            var value = item.EvalValue(ctx, r);
            if (value is null) return null;
            builder.Add(value);
        }

        ctx.ChargeMemory(96 + (builder.Count * 16L));
        return builder.Build();
    }
}

internal sealed class ObjectExpr((Expr Key, Expr Value)[] pairs, SourcePlace place) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r)
    {
        var builder = new ObjectBuilder(pairs.Length);
        foreach (var (key, item) in pairs)
        {
            var k = key.EvalValue(ctx, r);
            if (k is null) return null;
            var v = item.EvalValue(ctx, r);
            if (v is null) return null;
            if (!builder.TryAdd(k, v)) throw new EvalException("eval_conflict_error", "object keys must be unique", place);
        }

        ctx.ChargeMemory(128 + (builder.Count * 24L));
        return builder.Build();
    }
}

/// <summary>An object literal whose keys are distinct constants: all its values share one table of keys.</summary>
internal sealed class RecordExpr(KeyTable keys, Expr[] items) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r)
    {
        var values = new RegoValue[items.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var value = items[i].EvalValue(ctx, r);
            if (value is null) return null;
            values[i] = value;
        }

        ctx.ChargeMemory(96 + (values.Length * 8L));
        return new ObjectValue(keys, values);
    }
}
