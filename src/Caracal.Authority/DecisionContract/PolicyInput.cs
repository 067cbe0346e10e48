using System.Collections.Immutable;
using Caracal.Authority.TokenExchange;
using Caracal.Protocol.Mandates;
using Caracal.Rego;

namespace Caracal.Authority.DecisionContract;

/// <summary>What the input document says about the request as a whole (sts.md 10.3).</summary>
public sealed record PolicyRequest
{
    public required string ZoneId { get; init; }
    public required string PrincipalId { get; init; }
    public string PrincipalType { get; init; } = "Application";
    public string? RegistrationMethod { get; init; }
    public string ActionId { get; init; } = "TokenExchange";
    public string? Method { get; init; }
    public string? Path { get; init; }
    public IReadOnlyList<string> Scopes { get; init; } = [];
    public string? RecordId { get; init; }
    public string? AgentSessionId { get; init; }
    public SessionFacts? Session { get; init; }
    public DelegationProof? Delegation { get; init; }
    public MandateClaims? SubjectClaims { get; init; }
    public bool ApprovalAccepted { get; init; }
    public string? TraceId { get; init; }
}

/// <summary>Builds the input document of policy directly as values of the policy language: no JSON in between.</summary>
public static class PolicyInput
{
    /// <summary>The one schema version there is; another one in a simulation is an error.</summary>
    public const string SchemaVersion = "2026-05-20";

    private static readonly RegoShape Document = new(
        "schema_version", "principal", "resource", "action", "context", "session", "delegation_edge");

    private static readonly RegoShape PrincipalShape = new(
        "type", "id", "zone_id", "registration_method", "agent_session_id", "lifecycle", "labels");

    private static readonly RegoShape ResourceShape = new("type", "id", "identifier", "scopes");
    private static readonly RegoShape ActionShape = new("id", "method", "path");
    private static readonly RegoShape ActorShape = new("caracal_client_id");
    private static readonly RegoShape SessionShape = new("id");

    private static readonly RegoShape ContextShape = new(
        "actor_claims", "challenge_resolved", "requested_scopes", "subject_claims", "trace_id", "session_id", "agent_session_id",
        "delegation_edge_id");

    private static readonly RegoShape EdgeShape = new(
        "id", "source_session_id", "target_session_id", "issuer_application_id", "receiver_application_id", "resource_id", "scopes",
        "edge_version", "path", "graph_epoch", "constraints_json");

    private static readonly RegoShape ClaimsShape = new(
        "iss", "sub", "aud", "exp", "iat", "jti", "zone_id", "client_id", "scope", "sid", "root_sid", "use", "sub_type", "target",
        "agent_session_id", "delegation_edge_id", "source_session_id", "target_session_id", "delegation_path", "delegation_chain",
        "hop_count", "delegation_graph_epoch");

    private static readonly RegoShape HopShape = new("application_id", "agent_session_id", "delegation_edge_id");

    /// <summary>The document for one resource of a request.</summary>
    public static RegoValue Build(PolicyRequest request, ExchangeResource resource) => Document.Build(
        RegoValue.Name(SchemaVersion),
        Principal(request),
        ResourceShape.Build(RegoValue.Name("Resource"), RegoValue.Name(resource.Id), RegoValue.Name(resource.Identifier), Names(resource.Scopes)),
        ActionShape.Build(RegoValue.Name(request.ActionId), Name(request.Method), Text(request.Path)),
        Context(request),
        request.RecordId is { Length: > 0 } record ? SessionShape.Build(RegoValue.String(record)) : null,
        request.Delegation is { } proof ? Edge(proof) : null);

    private static RegoValue Principal(PolicyRequest request) => PrincipalShape.Build(
        RegoValue.Name(request.PrincipalType),
        RegoValue.Name(request.PrincipalId),
        RegoValue.Name(request.ZoneId),
        Name(request.RegistrationMethod),
        Text(request.AgentSessionId),
        Name(request.Session?.Lifecycle),
        request.Session is { Labels: { IsEmpty: false } labels } ? Names(labels) : null);

    private static RegoValue Context(PolicyRequest request) => ContextShape.Build(
        ActorShape.Build(RegoValue.Name(request.PrincipalId)),
        RegoValue.Boolean(request.ApprovalAccepted),
        Names(request.Scopes),
        request.SubjectClaims is { } claims ? SubjectClaims(claims) : null,
        Text(request.TraceId),
        Text(request.RecordId),
        Text(request.AgentSessionId),
        Text(request.Delegation?.Edge.Id));

    // Zero and empty members are left out.
    private static RegoValue Edge(DelegationProof proof)
    {
        var edge = proof.Edge;
        return EdgeShape.Build(
            Text(edge.Id),
            Text(edge.SourceSessionId),
            Text(edge.TargetSessionId),
            Name(edge.IssuerApplicationId),
            Name(edge.ReceiverApplicationId),
            Name(edge.ResourceId),
            edge.Scopes.IsEmpty ? null : Names(edge.Scopes),
            edge.EdgeVersion == 0 ? null : RegoValue.Number(edge.EdgeVersion),
            RegoValue.Array(proof.Path.AsSpan(), RegoValue.String),
            proof.Epoch == 0 ? null : RegoValue.Number(proof.Epoch),
            edge.ConstraintsDocument);
    }

    private static RegoValue SubjectClaims(MandateClaims claims) => ClaimsShape.Build(
        Name(claims.Issuer),
        Name(claims.Subject),
        Names(claims.Audience),
        RegoValue.Number(claims.ExpiresAt),
        RegoValue.Number(claims.IssuedAt ?? 0),
        Text(claims.Jti),
        Name(claims.ZoneId),
        Name(claims.ClientId),
        Text(claims.Scope),
        Text(claims.Sid),
        Text(claims.RootSid),
        Name(claims.Use),
        Name(claims.SubjectType),
        claims.Target.Count == 0 ? null : Names(claims.Target),
        Text(claims.AgentSessionId),
        Text(claims.DelegationEdgeId),
        Text(claims.SourceSessionId),
        Text(claims.TargetSessionId),
        claims.DelegationPath.Count == 0 ? null : RegoValue.Array(claims.DelegationPath, RegoValue.String),
        claims.DelegationChain.Count == 0 ? null : RegoValue.Array(claims.DelegationChain, Hop),
        claims.HopCount > 0 ? RegoValue.Number(claims.HopCount) : null,
        claims.GraphEpoch > 0 ? RegoValue.Number(claims.GraphEpoch) : null);

    private static RegoValue Hop(DelegationHop hop) =>
        HopShape.Build(Name(hop.ApplicationId), Text(hop.AgentSessionId), Text(hop.DelegationEdgeId));

    /// <summary>What every request has anew.</summary>
    private static RegoValue? Text(string? value) => string.IsNullOrEmpty(value) ? null : RegoValue.String(value);

    /// <summary>What many requests share.</summary>
    private static RegoValue? Name(string? value) => string.IsNullOrEmpty(value) ? null : RegoValue.Name(value);

    private static RegoValue Names(ImmutableArray<string> values) => RegoValue.Array(values.AsSpan(), RegoValue.Name);

    private static RegoValue Names(IReadOnlyList<string> values) => RegoValue.Array(values, RegoValue.Name);
}
