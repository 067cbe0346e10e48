using Caracal.Protocol.Mandates;

namespace Caracal.Verifier;

/// <summary>Who calls, by what authority, as a verified mandate says it (gateway.md B3).</summary>
public sealed record MandatePrincipal
{
    internal MandatePrincipal(MandateClaims claims)
    {
        Sub = claims.Subject!;
        ZoneId = claims.ZoneId!;
        ClientId = claims.ClientId!;
        AuthorityRecordId = claims.Sid!;
        RootAuthorityRecordId = claims.RootSid!;
        Use = claims.Use!;
        SubType = claims.SubjectType!;
        Jti = claims.Jti!;
        IssuedAt = DateTimeOffset.FromUnixTimeSeconds(claims.IssuedAt!.Value);
        ExpiresAt = DateTimeOffset.FromUnixTimeSeconds(claims.ExpiresAt);
        Scope = claims.Scope ?? "";
        TargetResources = claims.Target;
        SessionId = claims.AgentSessionId;
        DelegationId = claims.DelegationEdgeId;
        SourceSessionId = claims.SourceSessionId;
        TargetSessionId = claims.TargetSessionId;
        DelegationPath = claims.DelegationPath;
        DelegationChain = [.. claims.DelegationChain.Select(hop => new MandateHop(hop.ApplicationId, hop.AgentSessionId, hop.DelegationEdgeId))];
        GraphEpoch = claims.HasGraphEpoch ? claims.GraphEpoch : null;
        HopCount = claims.HopCount;
    }

    public string Sub { get; }

    public string ZoneId { get; }

    /// <summary>The application that acts.</summary>
    public string ClientId { get; }

    /// <summary>Claim <c>sid</c>.</summary>
    public string AuthorityRecordId { get; }

    /// <summary>Claim <c>root_sid</c>: where the authority began.</summary>
    public string RootAuthorityRecordId { get; }

    public string Use { get; }

    /// <summary><c>user</c> or <c>application</c>.</summary>
    public string SubType { get; }

    public string Jti { get; }

    public DateTimeOffset IssuedAt { get; }

    public DateTimeOffset ExpiresAt { get; }

    /// <summary>Scopes, separated by spaces.</summary>
    public string Scope { get; }

    public IReadOnlyList<string> TargetResources { get; }

    /// <summary>The governed Session, if there is one.</summary>
    public string? SessionId { get; }

    /// <summary>The Delegation, if there is one.</summary>
    public string? DelegationId { get; }

    public string? SourceSessionId { get; }

    public string? TargetSessionId { get; }

    public IReadOnlyList<string> DelegationPath { get; }

    /// <summary>From the application that delegated first to the one that acts.</summary>
    public IReadOnlyList<MandateHop> DelegationChain { get; }

    /// <summary>The delegation graph's epoch when the mandate was issued; null when it states none.</summary>
    public long? GraphEpoch { get; }

    public int HopCount { get; }

    /// <summary>True when the scope is granted.</summary>
    public bool HasScope(string scope) => ScopeSet.Contains(Scope, scope);

    /// <summary>True when <paramref name="applicationId"/> acts or is one of the delegators.</summary>
    public bool ChainContains(string applicationId) =>
        applicationId.Length > 0
        && (ClientId == applicationId || DelegationChain.Any(hop => hop.ApplicationId == applicationId));

    /// <summary>The distinct ids whose revocation ends this authority.</summary>
    internal IReadOnlyList<string> Anchors() =>
        [.. new[] { AuthorityRecordId, RootAuthorityRecordId, SessionId, DelegationId }.OfType<string>().Distinct(StringComparer.Ordinal)];
}

/// <summary>One application of a delegation chain.</summary>
public sealed record MandateHop(string ApplicationId, string? SessionId, string? DelegationId);
