using Caracal.Evidence.Events;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Storage.Approvals;
using Caracal.Sts.Audit;

namespace Caracal.Sts.Approvals;

/// <summary>The event of a subject's decision, as the outbox carries it: it commits with the decision or not at all (sts.md 8.6).</summary>
internal sealed class DecisionAudit(HmacKeyRing? keys)
{
    public IReadOnlyList<KeyValuePair<string, string?>> Frame(Hold hold, bool approved, string approverRecordId, DateTimeOffset now)
    {
        var frame = AuditFrame.Of(
            new AuditEvent
            {
                Id = Ids.New(),
                ZoneId = hold.ZoneId,
                EventType = AuditEventTypes.StepUpDecided,
                RequestId = hold.Id,
                Decision = approved ? AuditDecisions.Approved : AuditDecisions.Rejected,
                MetadataJson = StepUpMetadata.WriteDecided(hold, approverRecordId),
                OccurredAt = now,
            },
            keys);
        return [.. frame.Fields().Select(field => new KeyValuePair<string, string?>(field.Key, field.Value))];
    }
}
