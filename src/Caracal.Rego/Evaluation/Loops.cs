using Caracal.Rego.Builtins;
using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Evaluation;

/// <summary>Runs the rest of the body for each element of a collection, ascending.</summary>
internal sealed class IterateOp(Expr collection, int keySlot, int valueSlot, bool values, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var source = collection.Eval(ctx, r);
        if (source is null) return Outcome.Done;
        ctx.GuardStack();
        switch (source)
        {
            case ArrayValue a: return Array(a, ctx, r, plan, next);
            case ObjectValue o: return Object(o, ctx, r, plan, next);
            case SetValue s: return Set(s, ctx, r, plan, next);
            case DataCursor c: return Places(c, ctx, r, plan, next);
            default: return Outcome.Done;
        }
    }

    private Outcome Array(ArrayValue a, EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        for (var i = 0; i < a.Count; i++)
        {
            ctx.Tick();
            if (keySlot >= 0) r[keySlot] = NumberValue.From(i);
            if (valueSlot >= 0) r[valueSlot] = a[i];
            if (plan.Run(ctx, r, next) == Outcome.Stop) return Outcome.Stop;
        }

        return Outcome.Done;
    }

    private Outcome Object(ObjectValue o, EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var order = o.Order();
        for (var i = 0; i < o.Count; i++)
        {
            ctx.Tick();
            var at = order is null ? i : order[i];
            if (keySlot >= 0) r[keySlot] = o.KeyAt(at);
            if (valueSlot >= 0) r[valueSlot] = o.ValueAt(at);
            if (plan.Run(ctx, r, next) == Outcome.Stop) return Outcome.Stop;
        }

        return Outcome.Done;
    }

    private Outcome Set(SetValue s, EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var order = s.Order();
        for (var i = 0; i < s.Count; i++)
        {
            ctx.Tick();
            var member = s.MemberAt(order is null ? i : order[i]);
            if (keySlot >= 0) r[keySlot] = member;
            if (valueSlot >= 0) r[valueSlot] = member;
            if (plan.Run(ctx, r, next) == Outcome.Stop) return Outcome.Stop;
        }

        return Outcome.Done;
    }

    private Outcome Places(DataCursor c, EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        foreach (var key in c.Keys())
        {
            ctx.Tick();
            var value = c.Get(ctx, key);
            if (values && value is DataCursor inner) value = inner.Value(ctx);
            if (value is null) continue;
            if (keySlot >= 0) r[keySlot] = key;
            if (valueSlot >= 0) r[valueSlot] = value;
            if (plan.Run(ctx, r, next) == Outcome.Stop) return Outcome.Stop;
        }

        return Outcome.Done;
    }
}

/// <summary>Holds when the inner body has a solution for each element.</summary>
internal sealed class EveryOp(Expr domain, int keySlot, int valueSlot, Plan body, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var source = domain.EvalValue(ctx, r);
        ctx.GuardStack();
        switch (source)
        {
            case ArrayValue a:
                for (var i = 0; i < a.Count; i++)
                {
                    if (!Holds(ctx, r, keySlot < 0 ? null : NumberValue.From(i), a[i])) return Outcome.Done;
                }

                return Outcome.Next;
            case ObjectValue o:
                var order = o.Order();
                for (var i = 0; i < o.Count; i++)
                {
                    var at = order is null ? i : order[i];
                    if (!Holds(ctx, r, o.KeyAt(at), o.ValueAt(at))) return Outcome.Done;
                }

                return Outcome.Next;
            case SetValue s:
                var members = s.Order();
                for (var i = 0; i < s.Count; i++)
                {
                    var member = s.MemberAt(members is null ? i : members[i]);
                    if (!Holds(ctx, r, member, member)) return Outcome.Done;
                }

                return Outcome.Next;
            default: return Outcome.Done;
        }
    }

    private bool Holds(EvalContext ctx, Span<RegoValue?> r, RegoValue? key, RegoValue value)
    {
        ctx.Tick();
        if (keySlot >= 0) r[keySlot] = key;
        if (valueSlot >= 0) r[valueSlot] = value;
        return body.Run(ctx, r, 0) == Outcome.Stop;
    }
}

/// <summary>Runs the rest of the body for each result of a builtin that has several.</summary>
internal sealed class RelationOp(Builtin builtin, Expr[] args, int slot, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var values = new RegoValue[args.Length];
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i].EvalValue(ctx, r) is not { } value) return Outcome.Done;
            values[i] = value;
        }

        ctx.GuardStack();
        if (ctx.Layer.Mocks is { } mocks && mocks.TryGetValue(builtin, out var mock))
        {
            if (Calls.Mocked(ctx, mock, values, Place) is not { } result) return Outcome.Done;
            r[slot] = result;
            return plan.Run(ctx, r, next) == Outcome.Stop ? Outcome.Stop : Outcome.Done;
        }

        foreach (var result in builtin.Relate(ctx, values))
        {
            ctx.Tick();
            r[slot] = result;
            if (plan.Run(ctx, r, next) == Outcome.Stop) return Outcome.Stop;
        }

        return Outcome.Done;
    }
}

/// <summary>Something <c>with</c> replaces.</summary>
internal sealed record WithTarget(Compilation.WithKind Kind, RegoValue[] Path, object? Function, Expr Value, Compilation.Replacement? Replacement);

/// <summary>Runs a literal in another context; the rest of the body resumes in the former one.</summary>
internal sealed class WithOp(WithTarget[] targets, Plan inner, ResumeOp resume, SourcePlace place) : Op(place)
{
    public ResumeOp Resume { get; } = resume;

    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var before = ctx.Layer;
        var input = before.Input;
        var data = before.Data;
        Dictionary<object, Mock>? mocks = null;
        foreach (var target in targets)
        {
            var value = target.Value.EvalValue(ctx, r);
            if (value is null) return Outcome.Done;
            switch (target.Kind)
            {
                case Compilation.WithKind.Input:
                    input = DocumentEdit.Put(input, target.Path, value);
                    break;
                case Compilation.WithKind.Data:
                    data = Overlay.Put(data, target.Path, value);
                    break;
                default:
                    mocks ??= before.Mocks is null ? [] : new(before.Mocks);
                    mocks[target.Function!] = target.Replacement is { } f ? new Mock(f.Builtin, f.Function, null) : new Mock(null, null, value);
                    break;
            }
        }

        ctx.Enter();
        ctx.Layer = new Layer(before, input, data, mocks ?? before.Mocks, ctx.NewCache());
        var outcome = inner.Run(ctx, r, 0);
        ctx.Layer = before;
        ctx.Leave();
        return outcome;
    }
}

/// <summary>The end of a literal with <c>with</c>: back to the body it stands in.</summary>
internal sealed class ResumeOp() : Op(SourcePlace.None)
{
    private Plan? _outer;
    private int _next;

    public void Attach(Plan outer, int next)
    {
        _outer = outer;
        _next = next;
    }

    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var inside = ctx.Layer;
        ctx.Layer = inside.Outer!;
        var outcome = _outer!.Run(ctx, r, _next);
        ctx.Layer = inside;
        return outcome;
    }
}
