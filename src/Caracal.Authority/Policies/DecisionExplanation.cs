using Caracal.Rego;

namespace Caracal.Authority.Policies;

/// <summary>
/// Why policy denied, as the last diagnostic of the decision: the rules that were tried, in the order they ended, each with
/// the line it stands on and, when it did not hold, the line of the condition that failed.
/// </summary>
public static class DecisionExplanation
{
    /// <summary>The key of the diagnostic, which holds nothing else.</summary>
    public const string Key = "explain";

    /// <summary>How many rules are told of: the last ones, which are nearest to the decision.</summary>
    public const int MostRules = 32;

    private static readonly RegoShape Diagnostic = new(Key);
    private static readonly RegoShape Body = new("rules", "omitted", "suppressed_errors", "first_suppressed_error");
    private static readonly RegoShape Rule = new("rule", "file", "line", "held", "failed_line");

    /// <summary>The decision with its explanation; an allowed one stays as policy gave it.</summary>
    public static PolicyDecision Attach(PolicyDecision decision, EvalResult result, Explanation explanation)
    {
        if (decision.Allowed || explanation.Count == 0)
        {
            return decision;
        }

        RegoValue[] diagnostics = [.. decision.Diagnostics.Items, Describe(result, explanation)];
        return decision with { Diagnostics = RegoValue.Array(diagnostics) };
    }

    private static RegoValue Describe(EvalResult result, Explanation explanation)
    {
        var rules = new List<RegoValue>(MostRules);
        var seen = new HashSet<RuleTrace>();
        var omitted = 0;
        for (var i = explanation.Count - 1; i >= 0; i--)
        {
            // A function is tried for every element of a list; it is told of once for each way it ended.
            if (!seen.Add(explanation[i]))
            {
                continue;
            }

            if (rules.Count == MostRules)
            {
                omitted++;
                continue;
            }

            rules.Add(Describe(explanation[i]));
        }

        rules.Reverse();
        return Diagnostic.Build(Body.Build(
            RegoValue.Array(rules),
            omitted == 0 ? null : RegoValue.Number(omitted),
            result.SuppressedErrors == 0 ? null : RegoValue.Number(result.SuppressedErrors),
            result.FirstSuppressedError is { } error ? RegoValue.String(error.ToString()) : null));
    }

    private static RegoValue Describe(RuleTrace rule) => Rule.Build(
        RegoValue.Name(rule.Rule),
        RegoValue.Name(rule.File),
        RegoValue.Number(rule.Line),
        RegoValue.Boolean(rule.Held),
        rule.FailedFile is null ? null : RegoValue.Number(rule.FailedLine));
}
