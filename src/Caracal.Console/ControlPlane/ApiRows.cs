using System.Text.Json;
using System.Text.Json.Serialization;

namespace Caracal.Console.ControlPlane;

/// <summary>One page of a list (api.md 1.2).</summary>
public sealed record ListPage<T>(IReadOnlyList<T> Items, string? NextCursor);

/// <summary>A zone (api.md 4).</summary>
public sealed record ZoneRow(string Id, string Name, string Slug, string? CreatedBy, string CreatedAt);

/// <summary>What a zone holds (api.md 4.1).</summary>
public sealed record ZoneOverview(
    ApplicationCounts Applications, ResourceCounts Resources, ProviderCounts Providers, PolicyCounts PolicySets, SessionCounts Sessions,
    [property: JsonPropertyName("decisions_24h")] DecisionCounts Decisions, IReadOnlyList<EventRow> RecentEvents);

/// <summary>Applications of a zone.</summary>
public sealed record ApplicationCounts(long Total, long Expired, long ExpiringSoon);

/// <summary>Resources of a zone; those that are not enforced are reachable past the Gateway.</summary>
public sealed record ResourceCounts(long Total, long Unenforced);

/// <summary>Providers of a zone.</summary>
public sealed record ProviderCounts(long Total);

/// <summary>Policy sets of a zone; without an active one everything is denied.</summary>
public sealed record PolicyCounts(long Total, long Enforcing, string? ActiveName);

/// <summary>Live authority records of a zone.</summary>
public sealed record SessionCounts(long Active);

/// <summary>Decisions of the last 24 hours.</summary>
public sealed record DecisionCounts(long Allowed, long Denied);

/// <summary>An event of the ledger (api.md 11.8).</summary>
public sealed record EventRow(
    string Id, string EventType, string? RequestId, string? Decision, string? EvaluationStatus, JsonElement? DeterminingPoliciesJson,
    JsonElement? DiagnosticsJson, JsonElement? MetadataJson, string OccurredAt)
{
    /// <summary>A member of the metadata as text; empty when it is not there.</summary>
    public string Meta(string name) =>
        MetadataJson is { ValueKind: JsonValueKind.Object } metadata && metadata.TryGetProperty(name, out var value)
            ? value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText()
            : "";
}

/// <summary>Why a request ended as it did (api.md 11.8).</summary>
public sealed record Explanation(string RequestId, string FinalDecision, IReadOnlyList<DeniedRow> Denied, IReadOnlyList<EventRow> Events);

/// <summary>One refusal of an explained request.</summary>
public sealed record DeniedRow(string EventId, string EventType, string? EvaluationStatus, JsonElement? DeterminingPolicies, JsonElement? Diagnostics);

/// <summary>A governed Session (api.md 11.5).</summary>
public sealed record SessionRow(
    string SessionId, string ApplicationId, string? ParentSessionId, string Status, string Lifecycle, IReadOnlyList<string>? Labels, int Depth,
    int ChildCount, string? SubjectId, string StartedAt, string? LastActiveAt, string? TerminatedAt, string? TerminationReason);

/// <summary>A hold that waits for a human, or waited (api.md 11.6).</summary>
public sealed record ApprovalRow(
    string Id, string PrincipalId, string? ApplicationId, string Tier, string ApproverClass, string PrivacyMode, JsonElement? MetadataJson,
    string? DecisionReason, string CreatedAt, string ExpiresAt, string? ApproverSubjectId, long PriorApproved, long PriorRejected, string State);

/// <summary>What a kill switch ended, or would end.</summary>
public sealed record KillCounts(long AuthorityRecords, long Sessions, long Delegations, long Connections);

/// <summary>What deciding a hold answered (api.md 11.6).</summary>
public sealed record DecidedRow(string Id, string State);

/// <summary>The envelope of a refusal (api.md 1.1).</summary>
public sealed record ErrorRow(string? Error);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ListPage<ZoneRow>))]
[JsonSerializable(typeof(ZoneOverview))]
[JsonSerializable(typeof(ListPage<EventRow>))]
[JsonSerializable(typeof(Explanation))]
[JsonSerializable(typeof(ListPage<SessionRow>))]
[JsonSerializable(typeof(ListPage<ApprovalRow>))]
[JsonSerializable(typeof(DecidedRow))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(ZoneRow))]
[JsonSerializable(typeof(KillCounts))]
[JsonSerializable(typeof(ErrorRow))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
internal sealed partial class ApiShapes : JsonSerializerContext;
