namespace Caracal.Testing;

/// <summary>What a test's mandate says; everything has a plausible default.</summary>
/// <param name="Audience">The resource it is for.</param>
public sealed record TestMandate(string Audience)
{
    /// <summary>The Session of mandates that name none.</summary>
    public const string DefaultSession = "test-session";

    public IReadOnlyList<string> Scopes { get; init; } = [];

    public string Subject { get; init; } = "test-application";

    public string ApplicationId { get; init; } = "test-application";

    /// <summary><c>resource</c>, <c>session</c> or <c>gateway</c>.</summary>
    public string Use { get; init; } = "resource";

    public string AuthorityRecordId { get; init; } = "test-record";

    /// <summary>Null for a mandate without a Session.</summary>
    public string? SessionId { get; init; } = DefaultSession;

    public string? DelegationId { get; init; }

    public int HopCount { get; init; }

    /// <summary>Negative for one that is over.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromMinutes(15);
}

/// <summary>What was asked of the test's token endpoint.</summary>
public sealed record TestExchange(IReadOnlyList<string> Resources, IReadOnlyList<string> Scopes, string? SessionId, string? DelegationId, string? ApprovalId);
