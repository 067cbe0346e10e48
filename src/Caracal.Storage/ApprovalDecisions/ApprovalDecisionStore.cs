using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.ApprovalDecisions;

/// <summary>A hold as operators see it.</summary>
public sealed record ApprovalRow
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string SessionId { get; init; } = "";
    public string PrincipalId { get; init; } = "";
    public string? ApplicationId { get; init; }
    public string? Tier { get; init; }
    public string ApproverClass { get; init; } = "";
    public string PrivacyMode { get; init; } = "";
    public string? SubjectAnchor { get; init; }
    public byte[] ResourceSetHash { get; init; } = [];
    public JsonText MetadataJson { get; init; }
    public string? DecisionReason { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset ExpiresAt { get; init; }
    public DateTimeOffset? SatisfiedAt { get; init; }
    public DateTimeOffset? RejectedAt { get; init; }
    public DateTimeOffset? ConsumedAt { get; init; }
    public string? ApproverSubjectId { get; init; }
    public bool PrincipalFederated { get; init; }
    public long PriorApproved { get; init; }
    public long PriorRejected { get; init; }

    /// <summary>api.md 11.6: consumed before rejected before expired before approved before pending.</summary>
    public string StateAt(DateTimeOffset now) =>
        ConsumedAt is not null ? "consumed"
        : RejectedAt is not null ? "rejected"
        : ExpiresAt <= now ? "expired"
        : SatisfiedAt is not null ? "approved"
        : "pending";
}

/// <summary>What an approval list is narrowed to.</summary>
public sealed record ApprovalFilter(string? State, string? Tier, string? Principal, DateTimeOffset? Since, DateTimeOffset? Until);

/// <summary>The operator's side of <c>step_up_challenges</c> (api.md 11.6); the STS owns the table.</summary>
public static class ApprovalDecisionStore
{
    private const string State =
        """
        CASE WHEN c.consumed_at IS NOT NULL THEN 'consumed' WHEN c.rejected_at IS NOT NULL THEN 'rejected'
             WHEN c.expires_at <= @now THEN 'expired' WHEN c.satisfied_at IS NOT NULL THEN 'approved' ELSE 'pending' END
        """;

    private const string Select =
        """
        SELECT c.id, c.zone_id, c.session_id, c.principal_id, c.application_id, c.tier, c.approver_class, c.privacy_mode, c.subject_anchor,
               c.resource_set_hash, c.metadata_json, c.decision_reason, c.created_at, c.expires_at, c.satisfied_at, c.rejected_at,
               c.consumed_at, c.approver_subject_id,
               CASE WHEN EXISTS (SELECT 1 FROM authority_records r WHERE r.zone_id = c.zone_id AND r.subject_id = c.principal_id
                                 AND r.session_type = 'user') THEN 1 ELSE 0 END AS principal_federated,
               (SELECT count(*) FROM step_up_challenges p WHERE p.zone_id = c.zone_id AND p.resource_set_hash = c.resource_set_hash
                  AND p.id <> c.id AND p.satisfied_at IS NOT NULL) AS prior_approved,
               (SELECT count(*) FROM step_up_challenges p WHERE p.zone_id = c.zone_id AND p.resource_set_hash = c.resource_set_hash
                  AND p.id <> c.id AND p.rejected_at IS NOT NULL) AS prior_rejected
        FROM step_up_challenges c
        """;

    public static Task<ApprovalRow?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<ApprovalRow>($"{Select} WHERE c.zone_id = @zoneId AND c.id = @id", new { zoneId, id });

    public static Task<IReadOnlyList<ApprovalRow>> ListAsync(
        DbConnection connection, string zoneId, ApprovalFilter filter, DateTimeOffset now, PageQuery page)
    {
        var conditions = new Filter()
            .AndEqual("c.zone_id", "zoneId", zoneId)
            .AndEqual("c.tier", "tier", filter.Tier)
            .AndEqual("c.principal_id", "principal", filter.Principal);
        if (filter.State is { } state) conditions.And($"{State} = @state", "state", state).With("now", now);
        if (filter.Since is { } since) conditions.And("c.created_at >= @since", "since", since);
        if (filter.Until is { } until) conditions.And("c.created_at <= @until", "until", until);
        return conditions.PageAsync<ApprovalRow>(connection, Select, page, "c.created_at", "c.id");
    }

    /// <summary>How many holds of a zone are in each state.</summary>
    public static async Task<IReadOnlyDictionary<string, long>> CountAsync(DbConnection connection, string zoneId, DateTimeOffset now) =>
        (await connection.QueryAsync<(string State, long Count)>(
            $"SELECT {State} AS state, count(*) FROM step_up_challenges c WHERE c.zone_id = @zoneId GROUP BY 1", new { zoneId, now }))
        .ToDictionary(row => row.State, row => row.Count, StringComparer.Ordinal);

    /// <summary>Decides once: only an undecided, unexpired hold that operators may decide. False when nothing matched.</summary>
    public static async Task<bool> DecideAsync(
        Work work, string zoneId, string id, bool approve, string approver, string? reason, DateTimeOffset now)
    {
        var column = approve ? "satisfied_at" : "rejected_at";
        return await work.Connection.ExecuteAsync(
            $"""
             UPDATE step_up_challenges SET {column} = @now, approver_subject_id = @approver, decision_reason = @reason
             WHERE zone_id = @zoneId AND id = @id AND approver_class IN ('operator', 'any') AND satisfied_at IS NULL
               AND rejected_at IS NULL AND consumed_at IS NULL AND expires_at > @now
             """,
            new { zoneId, id, approver, reason, now }) > 0;
    }
}
