using Caracal.Rego.Syntax;

namespace Caracal.Rego.Evaluation;

/// <summary>A solution of a complete rule or a function: its value must agree with any earlier one.</summary>
internal sealed class EmitValueOp(Expr value, bool decides, string conflict, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var result = value.EvalValue(ctx, r);
        if (result is null) return Outcome.Done;
        var earlier = r[0];
        if (earlier is not null) ctx.ChargeComparison(earlier, result);
        if (earlier is null) r[0] = result;
        else if (!earlier.Equals(result)) throw new EvalException("eval_conflict_error", conflict, Place);
        return decides ? Outcome.Stop : Outcome.Done;
    }
}

/// <summary>A solution of an array or set comprehension, or of a partial set.</summary>
internal sealed class EmitItemOp(Expr value, int slot, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var item = value.EvalValue(ctx, r);
        if (item is not null) ((Accumulator)r[slot]!).Add(ctx, item);
        return Outcome.Done;
    }
}

/// <summary>A solution of an object comprehension.</summary>
internal sealed class EmitPairOp(Expr key, Expr value, int slot, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var k = key.EvalValue(ctx, r);
        var v = k is null ? null : value.EvalValue(ctx, r);
        if (v is not null && !((Accumulator)r[slot]!).Add(ctx, k!, v))
            throw new EvalException("eval_conflict_error", "object keys must be unique", Place);
        return Outcome.Done;
    }
}

/// <summary>A solution of a rule with keys in its head.</summary>
internal sealed class EmitPathOp(Expr[] keys, Expr value, bool asMember, SourcePlace place) : Op(place)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var path = new RegoValue[keys.Length];
        for (var i = 0; i < path.Length; i++)
        {
            if (keys[i].EvalValue(ctx, r) is not { } key) return Outcome.Done;
            path[i] = key;
        }

        if (value.EvalValue(ctx, r) is not { } leaf) return Outcome.Done;
        var document = (DocumentBuilder)r[0]!;
        if (!(asMember ? document.AddMember(ctx, path, leaf) : document.AddValue(ctx, path, leaf)))
            throw new EvalException("eval_conflict_error", "object keys must be unique", Place);
        return Outcome.Done;
    }
}

/// <summary>The solution of a query that is one expression without variables.</summary>
internal sealed class EmitResultOp(int slot) : Op(SourcePlace.None)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        ctx.Result = r[slot];
        return Outcome.Stop;
    }
}

/// <summary>A solution of a query: the values of its variables.</summary>
internal sealed class EmitSolutionOp(int[] slots) : Op(SourcePlace.None)
{
    public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
    {
        var solution = new RegoValue?[slots.Length];
        for (var i = 0; i < slots.Length; i++) solution[i] = r[slots[i]];
        ctx.ChargeMemory(32 + (slots.Length * 8));
        ctx.Solutions.Add(solution);
        ctx.CheckCollection(ctx.Solutions.Count);
        return slots.Length == 0 ? Outcome.Stop : Outcome.Done;
    }
}

/// <summary>Builds the document of rules whose heads hold keys: objects within objects, with values or sets at the ends.</summary>
internal sealed class DocumentBuilder : RegoValue
{
    private Dictionary<RegoValue, DocumentBuilder>? _children;
    private RegoValue? _leaf;
    private Accumulator? _set;

    public override RegoKind Kind => throw new InvalidOperationException("a builder is not a value");

    public override bool Equals(RegoValue? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => 0;

    /// <summary>Puts a value at a path; false when something else stands at, above or below it.</summary>
    public bool AddValue(EvalContext ctx, ReadOnlySpan<RegoValue> path, RegoValue value)
    {
        if (At(ctx, path) is not { } end || end._children is not null || end._set is not null) return false;
        if (end._leaf is null) end._leaf = value;
        return ReferenceEquals(end._leaf, value) || end._leaf.Equals(value);
    }

    /// <summary>Adds a member to the set at a path; false when something else stands at, above or below it.</summary>
    public bool AddMember(EvalContext ctx, ReadOnlySpan<RegoValue> path, RegoValue member)
    {
        if (At(ctx, path) is not { } end || end._children is not null || end._leaf is not null) return false;
        end._set ??= ctx.Scratch.Rent(ComprehensionKind.Set);
        end._set.Add(ctx, member);
        return true;
    }

    public RegoValue Build(EvalContext ctx)
    {
        if (_leaf is not null) return _leaf;
        if (_set is not null) return _set.Finish(ctx);
        var builder = new Values.ObjectBuilder(_children?.Count ?? 0);
        foreach (var (key, child) in _children ?? []) builder.Set(key, child.Build(ctx));
        return builder.Build();
    }

    private DocumentBuilder? At(EvalContext ctx, ReadOnlySpan<RegoValue> path)
    {
        var node = this;
        foreach (var key in path)
        {
            if (node._leaf is not null || node._set is not null) return null;
            node._children ??= [];
            if (!node._children.TryGetValue(key, out var child))
            {
                node._children[key] = child = new DocumentBuilder();
                ctx.ChargeMemory(80);
                ctx.CheckCollection(node._children.Count);
            }

            node = child;
        }

        return node;
    }
}
