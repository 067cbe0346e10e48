using Caracal.Rego;

namespace Caracal.Authority.Policies;

/// <summary>What an evaluation came to: a decision, or why the engine could not give one. The default decides nothing.</summary>
public readonly record struct PolicyEvaluation(PolicyDecision? Decision, string Error)
{
    /// <summary>Asks a compiled set; <paramref name="restrict"/> is asked first for custom policies (sts.md 10.5), which need not look at it.</summary>
    /// <param name="result">The query that decides.</param>
    /// <param name="restrict">The floor, or null.</param>
    /// <param name="input">The input document.</param>
    /// <param name="explanation">Takes down which rules were tried; its content is the caller's to clear.</param>
    /// <param name="cancellationToken">Ends an evaluation that takes too long.</param>
    public static PolicyEvaluation Of(
        PreparedQuery result, PreparedQuery? restrict, RegoValue input, Explanation explanation, CancellationToken cancellationToken)
    {
        if (restrict is not null)
        {
            var restricted = restrict.Evaluate(input, null, null, cancellationToken);
            if (restricted.Error is { } refused)
            {
                return new PolicyEvaluation(null, refused.ToString());
            }

            if (restricted.Value is { } entries && (entries.Count > 0 || !IsCollection(entries)))
            {
                return new PolicyEvaluation(PolicyDecision.Deny("restriction_active"), "");
            }
        }

        var evaluated = result.Evaluate(input, null, explanation, cancellationToken);
        if (evaluated.Error is { } error)
        {
            return new PolicyEvaluation(null, error.ToString());
        }

        return PolicyDecision.TryRead(evaluated.Value) is { } decision
            ? new PolicyEvaluation(DecisionExplanation.Attach(decision, evaluated, explanation), "")
            : new PolicyEvaluation(null, "data.caracal.authz.result has an unexpected shape");
    }

    private static bool IsCollection(RegoValue value) => value.Kind is RegoKind.Array or RegoKind.Object or RegoKind.Set;
}
