using Caracal.Evidence.Journals;
using Caracal.Evidence.Trail;
using Caracal.Hosting;
using Caracal.Hosting.Settings;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>Opens the journal of each producer and ships it on: to the ingester of this process, or to the audit stream (audit.md 12).</summary>
/// <param name="time">The clock.</param>
internal sealed class Journals(TimeProvider time) : IAsyncDisposable
{
    private readonly List<AuditTrail> _trails = [];

    /// <summary>The role's trail, started: what an earlier process left behind is shipped first.</summary>
    public AuditTrail Open(SettingsReader settings, IAuditSink sink, ILogger logger)
    {
        var directory = settings.Text("AUDIT_REPLAY_DIR", "/var/lib/caracal/audit-replay");
        var fsync = settings.Text("AUDIT_FSYNC", settings.Mode.IsPublished() ? "always" : "interval");
        var trail = AuditTrail.Start(
            directory,
            sink,
            new JournalOptions
            {
                Fsync = fsync == "interval" ? JournalFsync.Interval : JournalFsync.Always,
                MaxRecordBytes = settings.Integer("AUDIT_MAX_EVENT_BYTES", 1_048_576),
                Clock = time,
            },
            new AuditTrailOptions
            {
                Clock = time,
                SinkFailed = fault => StackLog.SinkFailed(logger, fault),
                SinkRecovered = count => StackLog.SinkRecovered(logger, count),
                EventLost = fault => StackLog.EventsLost(logger, fault),
            });
        _trails.Add(trail);
        return trail;
    }

    /// <summary>Ends when everything recorded so far is in the ledger.</summary>
    public Task FlushAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_trails.Select(trail => trail.FlushAsync(cancellationToken)));

    public async ValueTask DisposeAsync()
    {
        foreach (var trail in _trails)
        {
            await trail.DisposeAsync();
        }
    }
}
