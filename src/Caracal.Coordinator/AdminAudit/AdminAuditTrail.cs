using System.Threading.Channels;
using Caracal.Coordinator.Authentication;
using Caracal.Coordinator.Requests;
using Caracal.Evidence.AdminAudit;
using Caracal.Hosting.Http;
using Caracal.Storage;
using Caracal.Storage.AdminAudit;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Caracal.Coordinator.AdminAudit;

/// <summary>A change whose audit record could not be written, and which therefore did not happen.</summary>
internal sealed class AuditUnavailableException(Exception cause) : Exception("the admin audit row could not be written", cause);

/// <summary>
/// The Coordinator's rows of the admin ledger: successes inside their own transaction, failures after the reply and on
/// best effort (coordinator.md 14).
/// </summary>
internal sealed class AdminAuditTrail(
    CoordinatorSettings settings, Database database, DatabaseClock clock, ILogger logger)
{
    private static readonly string[] EntityTypes = ["agents", "agent-services", "delegations", "invocations", "applications", "outbox"];

    // Bounded: a flood of refused requests may lose rows of refusals, never memory and never a row of a change.
    private readonly Channel<AdminAuditEntry> _failures = Channel.CreateBounded<AdminAuditEntry>(
        new BoundedChannelOptions(4_096) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>Appends the row of a successful change; its failure undoes the change.</summary>
    public async Task RecordAsync(Work work, Call call, int status)
    {
        try
        {
            await AdminAuditLedger.AppendAsync(work, EntryOf(call.Http, call.Caller, call.Ids.GetValueOrDefault("zoneId"), status), settings.AuditKeys?.Current);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            throw new AuditUnavailableException(fault);
        }
    }

    /// <summary>Queues the row of a refusal.</summary>
    public void RecordFailure(HttpContext context, Caller caller, string? zoneId, int status) =>
        _failures.Writer.TryWrite(EntryOf(context, caller, zoneId, status));

    /// <summary>Writes queued rows until cancelled, then what is left.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await _failures.Reader.WaitToReadAsync(cancellationToken))
            {
                await DrainAsync();
            }
        }
        catch (OperationCanceledException)
        {
            await DrainAsync();
        }
    }

    private async Task DrainAsync()
    {
        while (_failures.Reader.TryRead(out var entry))
        {
            try
            {
                await database.WriteAsync(WriteKind.Bookkeeping, work => AdminAuditLedger.AppendAsync(work, entry, settings.AuditKeys?.Current), CancellationToken.None);
            }
            catch (Exception fault)
            {
                CoordinatorLog.AuditFailed(logger, fault, entry.RequestId);
            }
        }
    }

    private AdminAuditEntry EntryOf(HttpContext context, Caller caller, string? zoneId, int status)
    {
        var path = context.Request.Path.Value ?? "/";
        var (entityType, entityId) = EntityOf(path);
        return new AdminAuditEntry
        {
            RequestId = context.RequestId(),
            ActorId = caller.Subject,
            ActorName = caller.ClientId,
            ActorScope = string.Join(' ', caller.Scopes),
            Action = $"{context.Request.Method} {path}",
            Method = context.Request.Method,
            Path = path,
            ZoneId = zoneId,
            EntityType = entityType,
            EntityId = entityId,
            StatusCode = status,
            OccurredAt = clock.Now,
        };
    }

    /// <summary>The last pair of a known collection and the id after it; the id is null at a collection's end.</summary>
    internal static (string? Type, string? Id) EntityOf(string path)
    {
        var segments = path.Split('/');
        for (var i = segments.Length - 1; i > 0; i--)
        {
            if (EntityTypes.Contains(segments[i], StringComparer.Ordinal))
            {
                return (segments[i], i + 1 < segments.Length ? segments[i + 1] : null);
            }
        }

        return (null, null);
    }
}
