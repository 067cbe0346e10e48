using Caracal.Rego.Compilation;
using Caracal.Rego.Syntax;
using Caracal.Rego.Values;

namespace Caracal.Rego.Evaluation;

/// <summary>Evaluates rule groups.</summary>
internal static class RuleRun
{
    public const string CompleteConflict = "complete rules must not produce multiple outputs";
    public const string FunctionConflict = "functions must not produce multiple outputs for same inputs";

    public static RegoValue? Document(EvalContext ctx, RuleGroup group) => group.Kind switch
    {
        GroupKind.Complete => Complete(ctx, group),
        GroupKind.Set => Set(ctx, group),
        _ => Object(ctx, group),
    };

    /// <summary>The result of a function whose arguments stand in the window from register 1 on.</summary>
    public static RegoValue? Function(EvalContext ctx, RuleGroup group, Span<RegoValue?> window)
    {
        RegoValue? result = null;
        var selection = group.Index?.Select(ctx, window) ?? default;
        var count = group.Definitions.Length;
        for (var i = selection.From(0, count); i < count; i = selection.From(i + 1, count))
        {
            var definition = group.Definitions[i];
            var value = FirstClause(ctx, group, definition, window);
            if (value is null) continue;
            if (result is not null && !result.Equals(value))
                throw new EvalException("eval_conflict_error", FunctionConflict, definition.Clauses[0].Place);
            result = value;
            if (group.FirstDecides) break;
        }

        return result ?? (group.Default is { } d ? RunClause(ctx, group, d, window) : null);
    }

    private static RegoValue? Complete(EvalContext ctx, RuleGroup group)
    {
        RegoValue? result = null;
        var selection = group.Index?.Select(ctx, default) ?? default;
        var count = group.Definitions.Length;
        for (var i = selection.From(0, count); i < count; i = selection.From(i + 1, count))
        {
            var definition = group.Definitions[i];
            RegoValue? value = null;
            foreach (var clause in definition.Clauses)
            {
                var window = ctx.Reserve(clause.Registers, out var mark);
                value = RunClause(ctx, group, clause, window);
                ctx.Release(mark);
                if (value is not null) break;
            }

            if (value is null) continue;
            if (result is not null && !result.Equals(value))
                throw new EvalException("eval_conflict_error", CompleteConflict, definition.Clauses[0].Place);
            result = value;
            if (group.FirstDecides) break;
        }

        if (result is not null || group.Default is null) return result;
        var last = ctx.Reserve(group.Default.Registers, out var end);
        result = RunClause(ctx, group, group.Default, last);
        ctx.Release(end);
        return result;
    }

    private static RegoValue? FirstClause(EvalContext ctx, RuleGroup group, Definition definition, Span<RegoValue?> window)
    {
        foreach (var clause in definition.Clauses)
        {
            if (RunClause(ctx, group, clause, window) is { } value) return value;
        }

        return null;
    }

    private static RegoValue? RunClause(EvalContext ctx, RuleGroup group, Clause clause, Span<RegoValue?> window)
    {
        window[0] = null;
        if (ctx.Explains) Explained(ctx, group, clause, window);
        else clause.Body.Run(ctx, window, 0);
        return window[0];
    }

    private static SetValue Set(EvalContext ctx, RuleGroup group)
    {
        var accumulator = ctx.Scratch.Rent(ComprehensionKind.Set);
        Collect(ctx, group, accumulator);
        return (SetValue)accumulator.Finish(ctx);
    }

    private static RegoValue Object(EvalContext ctx, RuleGroup group)
    {
        var document = new DocumentBuilder();
        Collect(ctx, group, document);
        AddBelow(ctx, group.Node, [], document, group);
        ctx.ChargeMemory(64);
        return document.Build(ctx);
    }

    /// <summary>Rules with constant paths below a head with keys are part of the same document.</summary>
    private static void AddBelow(EvalContext ctx, TreeNode node, RegoValue[] path, DocumentBuilder document, RuleGroup group)
    {
        foreach (var (key, child) in node.Children)
        {
            RegoValue[] below = [.. path, key];
            if (child.Document is not { } inner)
            {
                AddBelow(ctx, child, below, document, group);
                continue;
            }

            var value = ctx.ValueOf(inner);
            if (value is null) continue;
            var added = true;
            if (inner.Kind == GroupKind.Set)
            {
                foreach (var member in ((SetValue)value).Sorted) added &= document.AddMember(ctx, below, member);
            }
            else if (inner.Kind == GroupKind.Object && value is ObjectValue o)
            {
                foreach (var (k, v) in o.Properties) added &= document.AddValue(ctx, [.. below, k], v);
            }
            else
            {
                added = document.AddValue(ctx, below, value);
            }

            if (!added) throw new EvalException("eval_conflict_error", "object keys must be unique", PlaceOf(group));
        }
    }

    private static SourcePlace PlaceOf(RuleGroup group) =>
        group.Definitions.Length > 0 ? group.Definitions[0].Clauses[0].Place : SourcePlace.None;

    private static void Collect(EvalContext ctx, RuleGroup group, RegoValue into)
    {
        var selection = group.Index?.Select(ctx, default) ?? default;
        var count = group.Definitions.Length;
        for (var i = selection.From(0, count); i < count; i = selection.From(i + 1, count))
        {
            var clause = group.Definitions[i].Clauses[0];
            var window = ctx.Reserve(clause.Registers, out var mark);
            window[0] = into;
            if (ctx.Explains) Explained(ctx, group, clause, window);
            else clause.Body.Run(ctx, window, 0);
            ctx.Release(mark);
        }
    }

    private static void Explained(EvalContext ctx, RuleGroup group, Clause clause, Span<RegoValue?> window)
    {
        var (plan, op, at) = (ctx.ExplainedPlan, ctx.FailedOp, ctx.FailedAt);
        ctx.ExplainedPlan = clause.Body;
        ctx.FailedOp = null;
        ctx.FailedAt = -1;
        clause.Body.Run(ctx, window, 0);
        // The last step gives the solution: reaching it means that the body holds.
        var held = group.Kind is GroupKind.Complete or GroupKind.Function ? window[0] is not null : ctx.FailedAt == clause.Body.Ops.Length - 1;
        var failed = held ? null : ctx.FailedOp?.Place;
        ctx.Explanation!.Add(new TraceEntry(group, clause, held, failed));
        (ctx.ExplainedPlan, ctx.FailedOp, ctx.FailedAt) = (plan, op, at);
    }
}
