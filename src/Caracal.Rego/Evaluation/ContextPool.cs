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
internal sealed class Freezer
{
    private static readonly TimeSpan s_total = TimeSpan.FromSeconds(1);

    private static readonly EvalOptions s_options = new()
    {
        Deadline = TimeSpan.FromMilliseconds(500),
        StepLimit = 50_000_000,
        StrictBuiltinErrors = true,
    };

    // All kept values together: they live as long as the policy does.
    private long _memory = 128L * 1024 * 1024;

    private readonly EvalContext _ctx = new();
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly PolicyState _state;

    private Freezer(PolicyState state) => _state = state;

    /// <summary>What cannot be evaluated in time, or fails, is left to the evaluations that need it.</summary>
    public static void Freeze(PolicyState state)
    {
        var freezer = new Freezer(state);
        foreach (var group in state.Plan.Groups)
        {
            if (group.IsConstant) freezer.Try(c => c.ValueOf(group));
        }

        freezer.Node(state.Plan.Root, state.Data);
    }

    /// <summary>Documents made of constant rules alone become plain objects, looked up by hash.</summary>
    private bool Node(TreeNode node, RegoValue? below)
    {
        var known = true;
        foreach (var (key, child) in node.Children)
        {
            known &= child.Document is { } group
                ? _state.Constants[group.Slot] is not null
                : child.IsFunctionOnly || Node(child, DataCursor.FindBase(below, key));
        }

        if (!node.IsConstant || node.Parent is null || !known) return known && node.IsConstant;
        return !HasDocument(node) || Try(c => c.ValueOf(node, below));
    }

    private static bool HasDocument(TreeNode node) => node.Document is not null || node.Children.Values.Any(HasDocument);

    private bool Try(Action<EvalContext> evaluate)
    {
        if (Stopwatch.GetElapsedTime(_started) > s_total) return false;
        try
        {
            _ctx.Start(_state, null, s_options with { MemoryLimit = _memory }, usesConstants: true, null, CancellationToken.None);
            evaluate(_ctx);
            return true;
        }
        catch (Exception e) when (e is EvalException or Values.ValueTooDeepException or InsufficientExecutionStackException)
        {
            return false;
        }
        finally
        {
            _memory = Math.Max(0, _memory - _ctx.Memory);
            _ctx.Finish();
        }
    }
}
