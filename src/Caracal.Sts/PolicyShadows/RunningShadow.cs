using Caracal.Authority.Policies;
using Caracal.Authority.PolicyShadows;
using Caracal.Sts.Policies;

namespace Caracal.Sts.PolicyShadows;

/// <summary>One order as this instance carries it out: the compiled candidate, and what it said otherwise so far.</summary>
/// <param name="order">What is asked for.</param>
/// <param name="candidate">The compiled candidate; null when it cannot be had.</param>
/// <param name="problem">Why there is no candidate.</param>
/// <param name="number">Under which number this instance reports.</param>
internal sealed class RunningShadow(ShadowOrder order, PolicyBundle? candidate, string? problem, int number)
{
    private const int LongestReason = 256;

    private readonly Lock _gate = new();
    private readonly long[] _counts = new long[Enum.GetValues<PolicyChange>().Length];
    private readonly List<ShadowExample> _examples = [];
    private long _errors;
    private long _dropped;
    private bool _changed = true;

    public ShadowOrder Order { get; } = order;
    public PolicyBundle? Candidate { get; } = candidate;

    public void Count(PolicyChange change, ShadowQuestion question, PolicyDecision answer, bool failed)
    {
        lock (_gate)
        {
            _changed = true;
            _counts[(int)change]++;
            if (failed)
            {
                _errors++;
            }

            var name = ShadowFigures.NameOf(change);
            if (change != PolicyChange.Unchanged && _examples.Count(example => example.Change == name) < Order.Examples)
            {
                _examples.Add(Example(name, question, answer));
            }
        }
    }

    public void CountDropped()
    {
        lock (_gate)
        {
            _changed = true;
            _dropped++;
        }
    }

    /// <summary>Where and what to report; null when nothing is new since the last time.</summary>
    public (string Key, string Report)? TakeReport()
    {
        lock (_gate)
        {
            if (!_changed)
            {
                return null;
            }

            _changed = false;
            var report = new ShadowReport
            {
                Unchanged = _counts[(int)PolicyChange.Unchanged],
                NewlyAllowed = _counts[(int)PolicyChange.NewlyAllowed],
                NewlyDenied = _counts[(int)PolicyChange.NewlyDenied],
                NewlyHeld = _counts[(int)PolicyChange.NewlyHeld],
                NoLongerHeld = _counts[(int)PolicyChange.NoLongerHeld],
                Errors = _errors,
                Dropped = _dropped,
                Problem = problem,
                Examples = [.. _examples],
            };
            return (Order.ReportKey(number), report.ToJson());
        }
    }

    /// <summary>A report that could not be stored is owed.</summary>
    public void OweReport()
    {
        lock (_gate)
        {
            _changed = true;
        }
    }

    private static ShadowExample Example(string change, ShadowQuestion question, PolicyDecision answer)
    {
        var reason = answer.Reason ?? "";
        return new ShadowExample
        {
            Change = change,
            RequestId = question.Request.TraceId,
            OccurredAt = question.At,
            Decided = question.Decided.Allowed ? "allow" : "deny",
            Reason = reason.Length > LongestReason ? reason[..LongestReason] : reason,
            PrincipalId = question.Request.PrincipalId,
            Resource = question.Resource.Identifier,
            RequestedScopes = question.Request.Scopes,
            AgentSessionId = question.Request.AgentSessionId,
            AgentLabels = question.Request.Session?.Labels ?? [],
        };
    }
}
