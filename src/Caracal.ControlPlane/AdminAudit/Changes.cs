using System.Text;
using Caracal.ControlPlane.Http;
using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Events;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.AdminAudit;
using Caracal.Storage.Lists;
using Caracal.Storage.Outbox;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.AdminAudit;

/// <summary>
/// The one way to change anything: the change, its outbox events and its admin audit row commit together or not at all
/// (README ruling 23), and the answer leaves after the commit.
/// </summary>
internal sealed class Changes(Database database, DatabaseClock clock, EventOutbox outbox, HmacKeyRing? auditKeys, ILogger log)
{
    private static readonly object RecordedKey = new();

    public Database Database { get; } = database;

    public ILogger Log { get; } = log;

    /// <summary>Runs a change; a refusal rolls it back. A unique index that was met answers <paramref name="conflict"/>.</summary>
    public Task<Answer> ApplyAsync(ApiCall call, Func<Work, Task<Answer>> change, Refusal? conflict = null) =>
        ApplyAsync(WriteKind.Authority, call, change, conflict);

    /// <summary>Runs a change of how a zone is configured that ends nobody's authority, such as another secret: calls go on by the configuration before until it commits.</summary>
    public Task<Answer> ConfigureAsync(ApiCall call, Func<Work, Task<Answer>> change, Refusal? conflict = null) =>
        ApplyAsync(WriteKind.Configuration, call, change, conflict);

    /// <summary>Runs a change that concerns nobody's authority, such as a step of a key rotation: calls go on meanwhile.</summary>
    public Task<Answer> KeepAsync(ApiCall call, Func<Work, Task<Answer>> change, Refusal? conflict = null) =>
        ApplyAsync(WriteKind.Bookkeeping, call, change, conflict);

    private async Task<Answer> ApplyAsync(WriteKind kind, ApiCall call, Func<Work, Task<Answer>> change, Refusal? conflict)
    {
        try
        {
            var answer = await Database.WriteAsync(
                kind,
                async work =>
                {
                    var result = await change(work);
                    if (result.Succeeded) await AppendAsync(work, AdminAuditRecords.Of(call, result, clock.Now));
                    else work.Discard();
                    return result;
                },
                call.Cancelled);
            if (answer.Succeeded) call.Context.Items[RecordedKey] = true;
            return answer;
        }
        catch (AuditUnavailableException fault)
        {
            ChangeLog.NotRecorded(Log, fault, call.RequestId);
            return ControlPlaneErrors.AuditUnavailable;
        }
        catch (Exception fault) when (conflict is not null && UniqueConflicts.IsUniqueConflict(fault))
        {
            return conflict;
        }
    }

    /// <summary>Adds a row of its own to the change in progress.</summary>
    public Task AppendAsync(Work work, AdminAuditEntry entry) => AppendGuardedAsync(work, entry);

    /// <summary>Announces something when the change commits; a null field is left out.</summary>
    public Task<string> AnnounceAsync(Work work, string? requestId, string stream, params (string Name, string? Value)[] fields) =>
        outbox.EnqueueAsync(work, stream, [.. fields.Select(field => KeyValuePair.Create(field.Name, field.Value))], requestId, clock.Now);

    /// <summary>Announces many things in one go; null fields are left out.</summary>
    public Task AnnounceManyAsync(Work work, string? requestId, IReadOnlyList<(string Stream, KeyValuePair<string, string?>[] Fields)> messages) =>
        outbox.EnqueueManyAsync(work, messages, requestId, clock.Now);

    /// <summary>Sends an audit event through the outbox, signed as every producer signs (api.md 12.3).</summary>
    public Task<string> AnnounceAuditAsync(Work work, AuditEvent auditEvent)
    {
        var data = auditEvent.ToUtf8();
        var key = auditKeys?.Current;
        return AnnounceAsync(
            work,
            auditEvent.RequestId,
            Topics.AuditEvents,
            ("id", auditEvent.Id),
            ("data", Encoding.UTF8.GetString(data)),
            ("sig", key?.SignHex(data)),
            ("kid", key?.KeyId));
    }

    /// <summary>Records a call that changed no row of ours; false when it could not be recorded.</summary>
    public async Task<bool> RecordAsync(ApiCall call, Answer answer)
    {
        if (call.Context.Items.ContainsKey(RecordedKey)) return true;
        try
        {
            await Database.WriteAsync(WriteKind.Bookkeeping, work => AppendGuardedAsync(work, AdminAuditRecords.Of(call, answer, clock.Now)));
            return true;
        }
        catch (Exception fault) when (fault is AuditUnavailableException or StorageUnavailableException)
        {
            ChangeLog.NotRecorded(Log, fault, call.RequestId);
            return false;
        }
    }

    private async Task AppendGuardedAsync(Work work, AdminAuditEntry entry)
    {
        try
        {
            await AdminAuditLedger.AppendAsync(work, entry, auditKeys?.Current);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            throw new AuditUnavailableException(fault);
        }
    }
}

/// <summary>The admin ledger refused a row; the change it belongs to is rolled back.</summary>
internal sealed class AuditUnavailableException(Exception inner) : Exception("the admin audit row could not be written", inner);

/// <summary>Log lines of changes.</summary>
internal static partial class ChangeLog
{
    [LoggerMessage(EventId = 3001, EventName = "admin_audit_unavailable", Level = LogLevel.Error, Message = "admin audit row of request {RequestId} could not be written")]
    public static partial void NotRecorded(ILogger logger, Exception fault, string requestId);
}
