using Caracal.Protocol;
using Caracal.Storage.Outbox;
using Dapper;

namespace Caracal.Storage.Approvals;

/// <summary>A person's decision about a hold.</summary>
public sealed record HoldDecision
{
    public required string HoldId { get; init; }
    public required string ZoneId { get; init; }
    public required bool Approved { get; init; }

    /// <summary>How the approver is named, by the hold's privacy mode.</summary>
    public required string Approver { get; init; }

    /// <summary>The approver's authority record, which is always kept.</summary>
    public required string ApproverRecordId { get; init; }
    public string? Reason { get; init; }
    public required DateTimeOffset Now { get; init; }

    /// <summary>The audit event as stream fields, announced with the change.</summary>
    public required IReadOnlyList<KeyValuePair<string, string?>> Event { get; init; }
}

/// <summary>The subject's side of <c>step_up_challenges</c> (sts.md 8.6): decision, event and wake-up in one transaction.</summary>
public sealed class HoldDecisionStore(Database database, EventOutbox outbox)
{
    /// <summary>What whoever decides a hold notifies on, with the approval id.</summary>
    public const string Channel = "caracal_approval_decided";

    private const string LineageSql =
        """
        WITH RECURSIVE up (origin, id, parent_id) AS (
            SELECT r.id, r.id, r.parent_id FROM authority_records r WHERE r.zone_id = @zoneId AND r.id IN (@one, @other)
            UNION
            SELECT u.origin, r.id, r.parent_id FROM authority_records r JOIN up u ON r.id = u.parent_id WHERE r.zone_id = @zoneId)
        SELECT count(*) FROM up WHERE (origin = @one AND id = @other) OR (origin = @other AND id = @one)
        """;

    /// <summary>True when the two records are one, or one descends from the other.</summary>
    public Task<bool> AreOfOneLineageAsync(string zoneId, string one, string other, CancellationToken cancellationToken) =>
        one == other
            ? Task.FromResult(true)
            : database.ReadAsync(
                async connection => await connection.ExecuteScalarAsync<long>(LineageSql, new { zoneId, one, other }) > 0, cancellationToken);

    /// <summary>Decides once: only a pending hold that a subject may decide, while the approver's record lives. False otherwise.</summary>
    public Task<bool> DecideAsync(HoldDecision decision, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async work =>
            {
                var column = decision.Approved ? "satisfied_at" : "rejected_at";
                var decided = await work.Connection.ExecuteAsync(
                    $"""
                     UPDATE step_up_challenges
                     SET {column} = @Now, approver_subject_id = @Approver, approver_session_id = @ApproverRecordId, decision_reason = @Reason
                     WHERE id = @HoldId AND zone_id = @ZoneId AND approver_class IN ('subject', 'any') AND satisfied_at IS NULL
                       AND rejected_at IS NULL AND consumed_at IS NULL AND expires_at > @Now
                       AND EXISTS (SELECT 1 FROM authority_records r WHERE r.id = @ApproverRecordId AND r.zone_id = @ZoneId
                                   AND r.status = 'active' AND r.expires_at > @Now)
                     """,
                    new { decision.Now, decision.Approver, decision.ApproverRecordId, decision.Reason, decision.HoldId, decision.ZoneId });
                if (decided != 1)
                {
                    return false;
                }

                await outbox.EnqueueAsync(work, Topics.AuditEvents, decision.Event, decision.HoldId, decision.Now);
                work.Notify(Channel, decision.HoldId);
                return true;
            },
            cancellationToken);
}
