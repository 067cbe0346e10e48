namespace Caracal.Protocol.PolicyRuntime;

/// <summary>One policy of a bundle: its version id and its source.</summary>
public sealed record PolicySource(string Id, string Content);

/// <summary>A bundle to try, and the input to try it with.</summary>
/// <param name="PolicySetId">Echoed.</param>
/// <param name="VersionId">Echoed; may be empty before the version exists.</param>
/// <param name="ManifestSha256">Echoed.</param>
/// <param name="Policies">In manifest order.</param>
/// <param name="InputJson">A JSON object; <c>{}</c> only proves that the bundle compiles. An absent <c>schema_version</c> counts as the current one.</param>
public sealed record PolicySimulation(
    string PolicySetId, string VersionId, string ManifestSha256, IReadOnlyList<PolicySource> Policies, string InputJson);

/// <summary>How a simulation ended; the default proves nothing.</summary>
public enum SimulationVerdict
{
    /// <summary>No STS, 401, 429 or 5xx.</summary>
    Unreachable,

    /// <summary>The bundle was refused: 400 or 422 with its reason.</summary>
    Rejected,

    /// <summary>Evaluated; there is a result.</summary>
    Executed,
}

/// <summary>The answer to a simulation.</summary>
/// <param name="Verdict">How it ended.</param>
/// <param name="ResultJson">The decision document <c>{decision, determining_policies, evaluation_status, diagnostics}</c> when executed.</param>
/// <param name="Reason">Why not, otherwise; for people, without secrets.</param>
public sealed record PolicySimulationOutcome(SimulationVerdict Verdict, string? ResultJson, string? Reason);

/// <summary>What the STS holds for a zone.</summary>
/// <param name="Loaded">True for the deny-all fallback too.</param>
/// <param name="PolicySetVersionId">Null for the fallback.</param>
/// <param name="ManifestSha256">Of what is loaded.</param>
/// <param name="LoadedAt">When.</param>
/// <param name="AgeSeconds">Since then.</param>
public sealed record PolicyStatus(bool Loaded, string? PolicySetVersionId, string? ManifestSha256, DateTimeOffset? LoadedAt, long? AgeSeconds);

/// <summary>How a status question ended; the default knows nothing.</summary>
public enum StatusVerdict
{
    Unreachable,

    /// <summary>The STS answered that it could not tell.</summary>
    Failed,

    Known,
}

/// <summary>The answer to a status question.</summary>
public sealed record PolicyStatusOutcome(StatusVerdict Verdict, PolicyStatus? Status, string? Detail);
