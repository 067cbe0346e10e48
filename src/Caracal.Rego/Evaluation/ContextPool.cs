using System.Collections.Concurrent;
using System.Diagnostics;
using Caracal.Rego.Compilation;

namespace Caracal.Rego.Evaluation;

/// <summary>Keeps contexts for later evaluations: one per thread, and a few for evaluations inside others.</summary>
internal static class ContextPool
{
    private const int Kept = 64;

    private static readonly ConcurrentBag<EvalContext> s_spare = [];

    [ThreadStatic]
    private static EvalContext? s_own;

    public static EvalContext Rent()
    {
        var own = s_own;
        if (own is null) return s_spare.TryTake(out var spare) ? spare : new EvalContext();
        s_own = null;
        return own;
    }

    public static void Return(EvalContext context)
    {
        if (s_own is null) s_own = context;
        else if (s_spare.Count < Kept) s_spare.Add(context);
    }
}

/// <summary>Evaluates what never changes once, when a policy is made.</summary>
internal static class Freezer
{
    private static readonly EvalOptions s_options = new()
    {
        Deadline = TimeSpan.FromSeconds(2),
        StepLimit = 50_000_000,
        MemoryLimit = 256L * 1024 * 1024,
        StrictBuiltinErrors = true,
    };

    public static void Freeze(PolicyState state)
    {
        var ctx = new EvalContext();
        var started = Stopwatch.GetTimestamp();
        foreach (var group in state.Plan.Groups)
        {
            // What is left is found out by the first evaluation that needs it.
            if (Stopwatch.GetElapsedTime(started) > state.Plan.Limits.CompileTime) return;
            if (group.IsConstant) Try(ctx, state, c => c.ValueOf(group));
        }

        FreezeNode(ctx, state, state.Plan.Root, state.Data);
    }

    /// <summary>Documents made of constant rules alone become plain objects, looked up by hash.</summary>
    private static void FreezeNode(EvalContext ctx, PolicyState state, TreeNode node, RegoValue? below)
    {
        foreach (var (key, child) in node.Children)
        {
            if (child.Document is null) FreezeNode(ctx, state, child, DataCursor.FindBase(below, key));
        }

        if (node is { IsConstant: true, Parent: not null } && HasDocument(node)) Try(ctx, state, c => c.ValueOf(node, below));
    }

    private static bool HasDocument(TreeNode node) => node.Document is not null || node.Children.Values.Any(HasDocument);

    /// <summary>An error here is not reported: the rule raises it again when it is used.</summary>
    private static void Try(EvalContext ctx, PolicyState state, Action<EvalContext> evaluate)
    {
        try
        {
            ctx.Start(state, null, s_options, usesConstants: true);
            evaluate(ctx);
        }
        catch (Exception e) when (e is EvalException or Values.ValueTooDeepException)
        {
            // Kept unknown.
        }
        finally
        {
            ctx.Finish();
        }
    }
}
