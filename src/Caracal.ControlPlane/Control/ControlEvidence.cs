using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Evidence.Events;
using Caracal.Protocol;
using Caracal.Storage;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.Control;

/// <summary>
/// One <c>control.invoke</c> event per decision (control.md 8), through the transactional outbox: it is durable before the
/// answer leaves, whatever the streams do. A command that may write leaves an intent before it runs, so that a crash
/// between the change and its evidence is seen.
/// </summary>
internal sealed class ControlEvidence(Changes changes, DatabaseClock clock, ILogger log)
{
    /// <summary>The <c>evaluation_status</c> of an intent; what it came to follows as <c>complete</c>.</summary>
    public const string Intended = "intended";

    public Task<bool> IntendAsync(ApiCall call, ControlInvocation invocation) => WriteAsync(call, invocation, AuditDecisions.Allow, Intended, "");

    /// <summary>False when the event could not be written.</summary>
    public Task<bool> DecideAsync(ApiCall call, ControlInvocation invocation, ControlOutcome outcome) =>
        WriteAsync(call, invocation, outcome.Succeeded ? AuditDecisions.Allow : AuditDecisions.Deny, "complete", outcome.Reason);

    private async Task<bool> WriteAsync(ApiCall call, ControlInvocation invocation, string decision, string status, string reason)
    {
        var subject = invocation.Subject;
        var auditEvent = new AuditEvent
        {
            Id = Ids.New(),
            ZoneId = subject?.ZoneId ?? "unknown",
            EventType = AuditEventTypes.ControlInvoke,
            RequestId = call.RequestId,
            Decision = decision,
            EvaluationStatus = status,
            MetadataJson = AuditMetadata.Of(
            [
                ("subject", subject?.Subject ?? "anonymous"), ("jti", subject?.Jti ?? ""), ("client_id", subject?.ClientId ?? ""),
                ("command", Plain(invocation.Command)), ("subcommand", Plain(invocation.Subcommand)), ("reason", Plain(reason)),
                ("idempotency_key", Plain(invocation.IdempotencyKey)), ("authorized_by", ""),
            ]),
            OccurredAt = clock.Now,
        };
        try
        {
            await changes.Database.WriteAsync(WriteKind.Bookkeeping, work => changes.AnnounceAuditAsync(work, auditEvent));
            return true;
        }
        catch (StorageUnavailableException fault)
        {
            ControlLog.NotRecorded(log, fault, call.RequestId);
            return false;
        }
    }

    private static string Plain(string text) => text.Replace("\0", "", StringComparison.Ordinal);
}

/// <summary>Log lines of Control.</summary>
internal static partial class ControlLog
{
    [LoggerMessage(EventId = 3021, EventName = "control_evidence_unavailable", Level = LogLevel.Error, Message = "evidence of control request {RequestId} could not be written")]
    public static partial void NotRecorded(ILogger logger, Exception fault, string requestId);

    [LoggerMessage(EventId = 3022, EventName = "control_command_failed", Level = LogLevel.Error, Message = "control request {RequestId} failed")]
    public static partial void CommandFailed(ILogger logger, Exception fault, string requestId);

    [LoggerMessage(EventId = 3023, EventName = "control_keys_unavailable", Level = LogLevel.Warning, Message = "zone keys could not be fetched: {Cause}")]
    public static partial void KeysUnavailable(ILogger logger, string cause);
}
