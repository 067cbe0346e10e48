using System.Text.Json;
using System.Text.Json.Nodes;

namespace Caracal.Admin;

/// <summary>Everything in one zone.</summary>
public sealed partial class ZoneAdmin
{
    private readonly AdminClient _client;
    private readonly string _prefix;

    internal ZoneAdmin(AdminClient client, string zoneId)
    {
        _client = client;
        ZoneId = zoneId;
        _prefix = $"/v1/zones/{Uri.EscapeDataString(zoneId)}";
    }

    public string ZoneId { get; }

    public AdminGroup<Application> Applications => Group("applications", AdminJson.Default.Application);

    public AdminGroup<Resource> Resources => Group("resources", AdminJson.Default.Resource);

    public AdminGroup<Provider> Providers => Group("providers", AdminJson.Default.Provider);

    public AdminGroup<Policy> Policies => Group("policies", AdminJson.Default.Policy);

    public AdminGroup<PolicySet> PolicySets => Group("policy-sets", AdminJson.Default.PolicySet);

    public AdminGroup<Workload> Workloads => Group("workloads", AdminJson.Default.Workload);

    public AdminGroup<Approval> Approvals => Group("approvals", AdminJson.Default.Approval);

    public AdminGroup<AgentSession> Sessions => Group("sessions", AdminJson.Default.AgentSession);

    public AdminGroup<AdminObject> Grants => Group("grants", AdminJson.Default.AdminObject);

    public AdminGroup<AdminObject> SubjectIssuers => Group("subject-issuers", AdminJson.Default.AdminObject);

    public AdminGroup<AdminObject> AuthorityRecords => Group("authority-records", AdminJson.Default.AdminObject);

    public AdminGroup<AdminObject> Audit => Group("audit", AdminJson.Default.AdminObject);

    /// <summary>Sessions and delegations through the Coordinator.</summary>
    public CoordinatorAdmin Coordinator => new(_client, ZoneId);

    /// <summary>Approves what waits.</summary>
    public Task ApproveAsync(string approvalId, string? reason = null, CancellationToken cancellationToken = default) => DecideAsync(approvalId, "approve", reason, cancellationToken);

    /// <summary>Rejects what waits.</summary>
    public Task RejectAsync(string approvalId, string? reason = null, CancellationToken cancellationToken = default) => DecideAsync(approvalId, "reject", reason, cancellationToken);

    /// <summary>Ends everything a person holds.</summary>
    public Task<JsonElement> RevokeSubjectAsync(string subjectId, string? reason = null, CancellationToken cancellationToken = default)
    {
        var body = new JsonObject { ["subject_id"] = subjectId };
        if (reason is not null) body["reason"] = reason;
        return _client.SendAsync(HttpMethod.Post, $"{_prefix}/subjects/revoke", body, cancellationToken);
    }

    /// <summary>The events of one request.</summary>
    public Task<List<JsonElement>> AuditOfRequestAsync(string requestId, CancellationToken cancellationToken = default) =>
        _client.Transport.ListAsync($"{_prefix}/audit/by-request/{Uri.EscapeDataString(requestId)}", cancellationToken);

    private Task<JsonElement> DecideAsync(string id, string action, string? reason, CancellationToken cancellationToken) =>
        Approvals.PostAsync(id, action, reason is null ? [] : new JsonObject { ["reason"] = reason }, cancellationToken);

    private AdminGroup<T> Group<T>(string name, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class => new(_client.Transport, $"{_prefix}/{name}", type);
}
