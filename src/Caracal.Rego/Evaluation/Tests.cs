using Caracal.Rego.Values;

namespace Caracal.Rego.Evaluation;

/// <summary>Holds when a term is defined and not false.</summary>
internal sealed class TestOp(Expr term, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var value = term.EvalValue(ctx, r);
        return value is null || ReferenceEquals(value, RegoValue.False) ? Outcome.Done : Outcome.Next;
    }
}

/// <summary>Holds when a term is defined.</summary>
internal sealed class DefinedOp(Expr term, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next) =>
        term.Eval(ctx, r) is null ? Outcome.Done : Outcome.Next;
}

/// <summary>Never holds.</summary>
internal sealed class FailOp(SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next) => Outcome.Done;
}

internal sealed class AssignOp(int slot, Expr term, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var value = term.EvalValue(ctx, r);
        if (value is null) return Outcome.Done;
        r[slot] = value;
        return Outcome.Next;
    }
}

internal sealed class EqualOp(Expr left, Expr right, bool negated, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var a = left.EvalValue(ctx, r);
        var b = a is null ? null : right.EvalValue(ctx, r);
        if (b is not null) ctx.ChargeComparison(a!, b);
        var equal = b is not null && a!.Equals(b);
        return equal != negated ? Outcome.Next : Outcome.Done;
    }
}

/// <summary>Holds when a term is undefined or false.</summary>
internal sealed class NotOp(Expr term, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var value = term.EvalValue(ctx, r);
        return value is null || ReferenceEquals(value, RegoValue.False) ? Outcome.Next : Outcome.Done;
    }
}

/// <summary>Holds when the register has an array of the given length.</summary>
internal sealed class ArrayShapeOp(int slot, int length, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next) =>
        r[slot] is ArrayValue a && a.Count == length ? Outcome.Next : Outcome.Done;
}

/// <summary>Holds when the register has an object with the given number of keys.</summary>
internal sealed class ObjectShapeOp(int slot, int count, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next) =>
        r[slot] is ObjectValue o && o.Count == count ? Outcome.Next : Outcome.Done;
}

/// <summary>Ends the search: one solution is enough.</summary>
internal sealed class StopOp() : Op(SourcePlace.None)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next) => Outcome.Stop;
}
