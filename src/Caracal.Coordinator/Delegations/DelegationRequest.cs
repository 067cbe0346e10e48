using System.Text.Json;
using Caracal.Authority.Delegations;
using Caracal.Coordinator.Authentication;
using Caracal.Coordinator.Idempotency;
using Caracal.Coordinator.Requests;

namespace Caracal.Coordinator.Delegations;

/// <summary>The body of a delegation, checked field by field, constraints normalised (coordinator.md 8).</summary>
internal sealed record DelegationRequest
{
    public required string SourceSessionId { get; init; }
    public required string TargetSessionId { get; init; }
    public required string IssuerApplicationId { get; init; }
    public required string ReceiverApplicationId { get; init; }
    public string? ParentEdgeId { get; init; }

    /// <summary>Row id or identifier, as named.</summary>
    public string? Resource { get; init; }
    public required string[] Scopes { get; init; }
    public required DelegationConstraints Constraints { get; init; }
    public string? ExpiresAtText { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public int? TtlSeconds { get; init; }

    /// <summary>Ours: how often it may be used at the Gateway. Not the constraint of v1.0 with this name, which nobody counts.</summary>
    public DelegationBudget? Budget { get; init; }

    public bool IsBroad => DelegationRules.IsBroad(Resource, Constraints);

    /// <summary>Every resource the request names, in either form.</summary>
    public IReadOnlyCollection<string> NamedResources =>
        [.. (Constraints.Resources ?? []).Concat(Resource is null ? [] : [Resource]).Distinct(StringComparer.Ordinal)];

    /// <summary>The request, or the answer to a body that is none.</summary>
    public static (DelegationRequest? Request, Reply? Refused) Read(JsonElement body)
    {
        var reader = new BodyReader(body);
        var (expiresText, expiresAt) = reader.UtcTime("expires_at");
        var ttl = (int?)reader.Integer("ttl_seconds", 1, DelegationLimits.MaximumTtlSeconds);
        var request = new DelegationRequest
        {
            SourceSessionId = reader.RequiredText("source_session_id"),
            TargetSessionId = reader.RequiredText("target_session_id"),
            IssuerApplicationId = reader.RequiredText("issuer_application_id"),
            ReceiverApplicationId = reader.RequiredText("receiver_application_id"),
            ParentEdgeId = reader.OptionalText("parent_edge_id"),
            Resource = reader.OptionalText("resource_id"),
            Scopes = reader.Texts("scopes"),
            Constraints = DelegationConstraints.None,
            ExpiresAtText = expiresText,
            ExpiresAt = expiresAt,
            TtlSeconds = ttl,
            Budget = ReadBudget(reader),
        };
        if (!reader.IsValid)
        {
            return (null, Reply.Invalid(reader.Issues));
        }

        var (constraints, refusal) = ConstraintReader.Read(reader.Member("constraints_json"), reader.Member("constraints"), ttl);
        return constraints is null ? (null, Reply.Refused(refusal!)) : (request with { Constraints = constraints }, null);
    }

    /// <summary>The request as an allowed broad delegation: it says so in its constraints.</summary>
    public DelegationRequest AsBroad() => this with
    {
        Constraints = Constraints with
        {
            BroadReason = Constraints.BroadReason ?? "resource_null_delegation",
            PolicyApproved = true,
        },
    };

    /// <summary>What a key stands for (coordinator.md 10).</summary>
    public byte[] Digest(Caller caller) => RequestDigests.Digest(writer =>
    {
        RequestDigests.WritePrincipal(writer, caller.ClientId, caller.Subject);
        writer.WriteString("source_session_id"u8, SourceSessionId);
        writer.WriteString("target_session_id"u8, TargetSessionId);
        writer.WriteString("issuer_application_id"u8, IssuerApplicationId);
        writer.WriteString("receiver_application_id"u8, ReceiverApplicationId);
        writer.WriteString("parent_edge_id"u8, ParentEdgeId);
        writer.WriteString("resource_id"u8, Resource);
        Paging.WriteTexts(writer, "scopes", Scopes.Order(StringComparer.Ordinal));
        writer.WritePropertyName("constraints"u8);
        Constraints.WriteTo(writer);
        writer.WriteString("expires_at"u8, ExpiresAtText);
        Paging.WriteNumber(writer, "ttl_seconds", TtlSeconds);
        if (Budget is not null)
        {
            // Left out of every request that v1.0 could have sent, whose digests are fixed.
            DelegationJson.WriteBudget(writer, Budget, spent: null);
        }
    })!;

    private static DelegationBudget? ReadBudget(BodyReader reader)
    {
        var member = reader.Member("budget");
        if (member.ValueKind == JsonValueKind.Undefined)
        {
            return null;
        }

        var budget = new BodyReader(member);
        var calls = budget.Integer("calls", 1, DelegationBudget.MaximumCalls);
        var unit = budget.OptionalText("unit", DelegationBudget.MaximumUnitLength);
        if (calls is null && budget.IsValid)
        {
            budget.AddIssue("Required", "calls");
        }

        foreach (var issue in budget.Issues)
        {
            reader.AddIssue(issue.Message, ["budget", .. issue.Path]);
        }

        return calls is { } granted ? new DelegationBudget(granted, unit) : null;
    }
}
