using Caracal.Authority.DecisionContract;
using Caracal.Authority.Policies;
using Caracal.Authority.TokenExchange;
using Caracal.Rego;

namespace Caracal.Sts.Policies;

/// <summary>A zone's compiled policy with its identity (sts.md 10.1). Immutable; its evaluations share nothing.</summary>
internal sealed class PolicyBundle
{
    // One for each thread: an evaluation neither waits nor moves to another one.
    [ThreadStatic]
    private static Explanation? s_explanation;

    private readonly PreparedQuery? _result;
    private readonly PreparedQuery? _restrict;
    private readonly PolicyEvaluation _fixed;
    private readonly PolicyFigures? _figures;

    private PolicyBundle(
        string? policySetId, string? versionId, string manifestSha, PreparedQuery? result, PreparedQuery? restrict,
        PolicyEvaluation fixedAnswer, DateTimeOffset loadedAt, PolicyFigures? figures)
    {
        PolicySetId = policySetId;
        VersionId = versionId;
        ManifestSha = manifestSha;
        LoadedAt = loadedAt;
        _result = result;
        _restrict = restrict;
        _fixed = fixedAnswer;
        _figures = figures;
    }

    public string? PolicySetId { get; }
    public string? VersionId { get; }
    public string ManifestSha { get; }
    public DateTimeOffset LoadedAt { get; }

    /// <summary>False for a bundle that could not be loaded: it answers every question with an engine error.</summary>
    public bool IsUsable => _result is not null || _fixed.Decision is not null;

    /// <summary>Deny-all: no active set, or a data document that must not decide anything.</summary>
    public static PolicyBundle DenyAll(string reason, string? policySetId, string? versionId, string manifestSha, DateTimeOffset now) =>
        new(policySetId, versionId, manifestSha, null, null, new PolicyEvaluation(PolicyDecision.Deny(reason), ""), now, null);

    /// <summary>A set that could not be loaded and has no predecessor to fall back to.</summary>
    public static PolicyBundle Failed(string? policySetId, string? versionId, string manifestSha, string error, DateTimeOffset now) =>
        new(policySetId, versionId, manifestSha, null, null, new PolicyEvaluation(null, error), now, null);

    /// <summary>A compiled set. <paramref name="restrict"/> is asked first for custom policies (sts.md 10.5), which need not look at it.</summary>
    public static PolicyBundle Compiled(
        string? policySetId, string? versionId, string manifestSha, PreparedQuery result, PreparedQuery? restrict,
        DateTimeOffset now, PolicyFigures? figures) =>
        new(policySetId, versionId, manifestSha, result, restrict, default, now, figures);

    /// <summary>Decides one resource of a request.</summary>
    public PolicyEvaluation Evaluate(PolicyRequest request, ExchangeResource resource, CancellationToken cancellationToken) =>
        _result is null ? _fixed : Evaluate(PolicyInput.Build(request, resource), cancellationToken);

    /// <summary>Decides from an input document.</summary>
    public PolicyEvaluation Evaluate(RegoValue input, CancellationToken cancellationToken)
    {
        if (_result is null)
        {
            return _fixed;
        }

        var started = TimeProvider.System.GetTimestamp();
        var evaluation = Decide(input, cancellationToken);
        _figures?.Evaluated(TimeProvider.System.GetElapsedTime(started), evaluation.Decision is null);
        return evaluation;
    }

    private PolicyEvaluation Decide(RegoValue input, CancellationToken cancellationToken)
    {
        // Always on: it costs less than a microsecond, and a denial that cannot be explained is worth less than one that can.
        var explanation = s_explanation ??= new Explanation();
        var evaluation = PolicyEvaluation.Of(_result!, _restrict, input, explanation, cancellationToken);
        explanation.Clear();
        return evaluation;
    }
}
