using Caracal.Rego.Compilation;

namespace Caracal.Rego.Evaluation;

/// <summary>One step of a body. A step that loops runs the rest of the body itself, once for each element.</summary>
internal abstract class Op(SourcePlace place)
{
    public SourcePlace Place { get; } = place;

    public abstract Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next);
}

/// <summary>The steps of a body, in the order they run.</summary>
internal sealed class Plan
{
    public Plan(Op[] ops)
    {
        Ops = ops;
        for (var i = 0; i < ops.Length; i++)
        {
            if (ops[i] is WithOp with) with.Resume.Attach(this, i + 1);
        }
    }

    public Op[] Ops { get; }

    public Outcome Run(EvalContext ctx, Span<RegoValue?> r, int at)
    {
        var ops = Ops;
        for (; at < ops.Length; at++)
        {
            ctx.Tick();
            var outcome = ops[at].Run(ctx, r, this, at + 1);
            if (outcome == Outcome.Next) continue;
            if (ctx.Explains && outcome == Outcome.Done) ctx.NoteFailure(this, at);
            return outcome;
        }

        return Outcome.Done;
    }
}

/// <summary>A body with its registers; register 0 takes the result.</summary>
internal sealed class Clause(Plan body, int registers, SourcePlace place)
{
    public Plan Body { get; } = body;

    public int Registers { get; } = registers;

    public SourcePlace Place { get; } = place;
}

/// <summary>One definition of a rule: its clauses, of which the first that has a solution decides.</summary>
internal sealed class Definition(Clause[] clauses)
{
    public Clause[] Clauses { get; } = clauses;
}

/// <summary>Everything compiled from the modules; holds no values of any evaluation.</summary>
internal sealed record PolicyPlan(
    TreeNode Root, IReadOnlyList<RuleGroup> Groups, int SlotCount, int CallCount, RegoLimits Limits, IReadOnlySet<string> Denied);

/// <summary>A plan over base data, with the values that are the same in every evaluation.</summary>
internal sealed class PolicyState(PolicyPlan plan, RegoValue data)
{
    public PolicyPlan Plan { get; } = plan;

    public RegoValue Data { get; } = data;

    /// <summary>By slot: the value, the mark of undefined, or null when not yet known.</summary>
    public RegoValue?[] Constants { get; } = new RegoValue?[plan.SlotCount];

    /// <summary>The same for calls with constant arguments.</summary>
    public RegoValue?[] Calls { get; } = new RegoValue?[plan.CallCount];
}
