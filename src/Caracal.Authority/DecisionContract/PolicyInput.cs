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

    /// <summary>The document for one resource of a request.</summary>
    public static RegoValue Build(PolicyRequest request, ExchangeResource resource)
    {
        var input = new RegoObjectBuilder(7)
            .Add(Key.SchemaVersion, Key.SchemaVersionValue)
            .Add(Key.Principal, Principal(request))
            .Add(Key.Resource, Resource(resource))
            .Add(Key.Action, Action(request))
            .Add(Key.Context, Context(request));
        if (request.RecordId is { Length: > 0 } record)
        {
            input.Add(Key.Session, new RegoObjectBuilder(1).Add(Key.Id, RegoValue.String(record)).Build());
        }

        if (request.Delegation is { } proof)
        {
            input.Add(Key.DelegationEdge, Edge(proof));
        }

        return input.Build();
    }

    private static RegoValue Principal(PolicyRequest request)
    {
        var principal = new RegoObjectBuilder(7)
            .Add(Key.Type, RegoValue.String(request.PrincipalType))
            .Add(Key.Id, RegoValue.String(request.PrincipalId))
            .Add(Key.ZoneId, RegoValue.String(request.ZoneId));
        Text(principal, Key.RegistrationMethod, request.RegistrationMethod);
        Text(principal, Key.AgentSessionId, request.AgentSessionId);
        if (request.Session is { } session)
        {
            Text(principal, Key.Lifecycle, session.Lifecycle);
            if (session.Labels.Length > 0)
            {
                principal.Add(Key.Labels, Texts(session.Labels));
            }
        }

        return principal.Build();
    }

    private static RegoValue Resource(ExchangeResource resource) => new RegoObjectBuilder(4)
        .Add(Key.Type, Key.ResourceType)
        .Add(Key.Id, RegoValue.String(resource.Id))
        .Add(Key.Identifier, RegoValue.String(resource.Identifier))
        .Add(Key.Scopes, Texts(resource.Scopes))
        .Build();

    private static RegoValue Action(PolicyRequest request)
    {
        var action = new RegoObjectBuilder(3).Add(Key.Id, RegoValue.String(request.ActionId));
        Text(action, Key.Method, request.Method);
        Text(action, Key.Path, request.Path);
        return action.Build();
    }

    private static RegoValue Context(PolicyRequest request)
    {
        var context = new RegoObjectBuilder(8)
            .Add(Key.ActorClaims, new RegoObjectBuilder(1).Add(Key.ClientId, RegoValue.String(request.PrincipalId)).Build())
            .Add(Key.ChallengeResolved, RegoValue.Boolean(request.ApprovalAccepted))
            .Add(Key.RequestedScopes, Texts(request.Scopes));
        if (request.SubjectClaims is { } claims)
        {
            context.Add(Key.SubjectClaims, SubjectClaims(claims));
        }

        Text(context, Key.TraceId, request.TraceId);
        Text(context, Key.SessionId, request.RecordId);
        Text(context, Key.AgentSessionId, request.AgentSessionId);
        Text(context, Key.DelegationEdgeId, request.Delegation?.Edge.Id);
        return context.Build();
    }

    // Zero and empty members are left out.
    private static RegoValue Edge(DelegationProof proof)
    {
        var edge = proof.Edge;
        var value = new RegoObjectBuilder(12);
        Text(value, Key.Id, edge.Id);
        Text(value, Key.SourceSessionId, edge.SourceSessionId);
        Text(value, Key.TargetSessionId, edge.TargetSessionId);
        Text(value, Key.IssuerApplicationId, edge.IssuerApplicationId);
        Text(value, Key.ReceiverApplicationId, edge.ReceiverApplicationId);
        Text(value, Key.ResourceId, edge.ResourceId);
        if (edge.Scopes.Length > 0)
        {
            value.Add(Key.Scopes, Texts(edge.Scopes));
        }

        if (edge.EdgeVersion != 0)
        {
            value.Add(Key.EdgeVersion, RegoValue.Number(edge.EdgeVersion));
        }

        value.Add(Key.Path, Texts(proof.Path));
        if (proof.Epoch != 0)
        {
            value.Add(Key.GraphEpoch, RegoValue.Number(proof.Epoch));
        }

        if (edge.ConstraintsJson is { Length: > 2 } constraints)
        {
            value.Add(Key.ConstraintsJson, RegoValue.FromJson(constraints));
        }

        return value.Build();
    }

    private static RegoValue SubjectClaims(MandateClaims claims)
    {
        var value = new RegoObjectBuilder(20);
        Text(value, Key.Issuer, claims.Issuer);
        Text(value, Key.Subject, claims.Subject);
        value.Add(Key.Audience, Texts(claims.Audience));
        value.Add(Key.ExpiresAt, RegoValue.Number(claims.ExpiresAt));
        value.Add(Key.IssuedAt, RegoValue.Number(claims.IssuedAt ?? 0));
        Text(value, Key.Jti, claims.Jti);
        Text(value, Key.ZoneId, claims.ZoneId);
        Text(value, Key.Client, claims.ClientId);
        Text(value, Key.Scope, claims.Scope);
        Text(value, Key.Sid, claims.Sid);
        Text(value, Key.RootSid, claims.RootSid);
        Text(value, Key.Use, claims.Use);
        Text(value, Key.SubjectType, claims.SubjectType);
        List(value, Key.Target, claims.Target);
        Text(value, Key.AgentSessionId, claims.AgentSessionId);
        Text(value, Key.DelegationEdgeId, claims.DelegationEdgeId);
        Text(value, Key.SourceSessionId, claims.SourceSessionId);
        Text(value, Key.TargetSessionId, claims.TargetSessionId);
        List(value, Key.DelegationPath, claims.DelegationPath);
        if (claims.DelegationChain.Count > 0)
        {
            value.Add(Key.DelegationChain, Chain(claims.DelegationChain));
        }

        Number(value, Key.HopCount, claims.HopCount);
        Number(value, Key.DelegationGraphEpoch, claims.GraphEpoch);
        return value.Build();
    }

    private static RegoValue Chain(IReadOnlyList<DelegationHop> chain)
    {
        var hops = new RegoValue[chain.Count];
        for (var i = 0; i < hops.Length; i++)
        {
            var hop = new RegoObjectBuilder(3);
            Text(hop, Key.ApplicationId, chain[i].ApplicationId);
            Text(hop, Key.AgentSessionId, chain[i].AgentSessionId);
            Text(hop, Key.DelegationEdgeId, chain[i].DelegationEdgeId);
            hops[i] = hop.Build();
        }

        return RegoValue.Array(hops);
    }

    private static void Text(RegoObjectBuilder builder, RegoValue key, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            builder.Add(key, RegoValue.String(value));
        }
    }

    private static void Number(RegoObjectBuilder builder, RegoValue key, long value)
    {
        if (value > 0)
        {
            builder.Add(key, RegoValue.Number(value));
        }
    }

    private static void List(RegoObjectBuilder builder, RegoValue key, IReadOnlyList<string> values)
    {
        if (values.Count > 0)
        {
            builder.Add(key, Texts(values));
        }
    }

    private static RegoValue Texts(ImmutableArray<string> values) => Texts((IReadOnlyList<string>)values);

    private static RegoValue Texts(IReadOnlyList<string> values)
    {
        if (values.Count == 0)
        {
            return RegoValue.EmptyArray;
        }

        var items = new RegoValue[values.Count];
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = RegoValue.String(values[i]);
        }

        return RegoValue.Array(items);
    }

    private static class Key
    {
        public static readonly RegoValue SchemaVersion = RegoValue.String("schema_version");
        public static readonly RegoValue SchemaVersionValue = RegoValue.String(PolicyInput.SchemaVersion);
        public static readonly RegoValue Principal = RegoValue.String("principal");
        public static readonly RegoValue Resource = RegoValue.String("resource");
        public static readonly RegoValue ResourceType = RegoValue.String("Resource");
        public static readonly RegoValue Action = RegoValue.String("action");
        public static readonly RegoValue Context = RegoValue.String("context");
        public static readonly RegoValue Session = RegoValue.String("session");
        public static readonly RegoValue DelegationEdge = RegoValue.String("delegation_edge");
        public static readonly RegoValue Type = RegoValue.String("type");
        public static readonly RegoValue Id = RegoValue.String("id");
        public static readonly RegoValue ZoneId = RegoValue.String("zone_id");
        public static readonly RegoValue RegistrationMethod = RegoValue.String("registration_method");
        public static readonly RegoValue AgentSessionId = RegoValue.String("agent_session_id");
        public static readonly RegoValue Lifecycle = RegoValue.String("lifecycle");
        public static readonly RegoValue Labels = RegoValue.String("labels");
        public static readonly RegoValue Identifier = RegoValue.String("identifier");
        public static readonly RegoValue Scopes = RegoValue.String("scopes");
        public static readonly RegoValue Method = RegoValue.String("method");
        public static readonly RegoValue Path = RegoValue.String("path");
        public static readonly RegoValue ActorClaims = RegoValue.String("actor_claims");
        public static readonly RegoValue ClientId = RegoValue.String("caracal_client_id");
        public static readonly RegoValue SubjectClaims = RegoValue.String("subject_claims");
        public static readonly RegoValue ChallengeResolved = RegoValue.String("challenge_resolved");
        public static readonly RegoValue RequestedScopes = RegoValue.String("requested_scopes");
        public static readonly RegoValue TraceId = RegoValue.String("trace_id");
        public static readonly RegoValue SessionId = RegoValue.String("session_id");
        public static readonly RegoValue DelegationEdgeId = RegoValue.String("delegation_edge_id");
        public static readonly RegoValue SourceSessionId = RegoValue.String("source_session_id");
        public static readonly RegoValue TargetSessionId = RegoValue.String("target_session_id");
        public static readonly RegoValue IssuerApplicationId = RegoValue.String("issuer_application_id");
        public static readonly RegoValue ReceiverApplicationId = RegoValue.String("receiver_application_id");
        public static readonly RegoValue ResourceId = RegoValue.String("resource_id");
        public static readonly RegoValue EdgeVersion = RegoValue.String("edge_version");
        public static readonly RegoValue GraphEpoch = RegoValue.String("graph_epoch");
        public static readonly RegoValue ConstraintsJson = RegoValue.String("constraints_json");
        public static readonly RegoValue Issuer = RegoValue.String("iss");
        public static readonly RegoValue Subject = RegoValue.String("sub");
        public static readonly RegoValue Audience = RegoValue.String("aud");
        public static readonly RegoValue ExpiresAt = RegoValue.String("exp");
        public static readonly RegoValue IssuedAt = RegoValue.String("iat");
        public static readonly RegoValue Jti = RegoValue.String("jti");
        public static readonly RegoValue Client = RegoValue.String("client_id");
        public static readonly RegoValue Scope = RegoValue.String("scope");
        public static readonly RegoValue Sid = RegoValue.String("sid");
        public static readonly RegoValue RootSid = RegoValue.String("root_sid");
        public static readonly RegoValue Use = RegoValue.String("use");
        public static readonly RegoValue SubjectType = RegoValue.String("sub_type");
        public static readonly RegoValue Target = RegoValue.String("target");
        public static readonly RegoValue DelegationPath = RegoValue.String("delegation_path");
        public static readonly RegoValue DelegationChain = RegoValue.String("delegation_chain");
        public static readonly RegoValue HopCount = RegoValue.String("hop_count");
        public static readonly RegoValue DelegationGraphEpoch = RegoValue.String("delegation_graph_epoch");
        public static readonly RegoValue ApplicationId = RegoValue.String("application_id");
    }
}
