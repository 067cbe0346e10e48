using Caracal.Hosting.Jobs;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Stack.Stores;
using Caracal.Storage;
using Caracal.Storage.Leadership;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack.Hardening;

/// <summary>
/// Runs the hardening checks again and again in the one API that is elected, and tells what fails now and did not before
/// (<c>HARDENING_WATCH_SECONDS</c>; 0 never looks).
/// </summary>
internal sealed class DriftWatch
{
    private static readonly AdvisoryLock WatchLock = AdvisoryLock.Job(0x4341524130303037);

    private readonly Func<CancellationToken, Task<IReadOnlyList<InspectedCheck>>>? _inspect;
    private readonly TimeSpan _interval;
    private readonly DriftRecord _record;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly LeaderLease _lease;
    private readonly Counter _drift;
    private volatile IReadOnlyList<InspectedCheck> _seen = [];
    private long _lastRun;

    /// <param name="inspect">Runs every check; null where nobody gave any.</param>
    /// <param name="interval">From the end of one look to the next; zero for never.</param>
    /// <param name="record">What the last look found.</param>
    /// <param name="stores">The API's, whose replicas elect one of themselves.</param>
    /// <param name="logger">Where drift is told.</param>
    public DriftWatch(
        Func<CancellationToken, Task<IReadOnlyList<InspectedCheck>>>? inspect, TimeSpan interval, DriftRecord record, RoleStores stores, ILogger logger)
    {
        (_inspect, _record, _logger, _time) = (inspect, record, logger, stores.Clock.Process);
        _interval = inspect is null ? TimeSpan.Zero : interval;
        _lease = new LeaderLease(stores.Database, WatchLock, _time, LeaderLease.DefaultInterval)
        {
            Changed = leads => ServiceLog.LeadChanged(logger, StackRoles.Api, "hardening-watch", leads),
        };
        var metrics = stores.Metrics;
        foreach (var status in InspectedCheck.Statuses)
        {
            metrics.Gauge($"caracal_hardening_checks{{status=\"{status}\"}}", () => _seen.Count(check => check.Status == status));
        }

        _drift = metrics.Counter("caracal_hardening_drift_total");
        metrics.Gauge("caracal_hardening_last_run_unix", () => Interlocked.Read(ref _lastRun));
        metrics.Gauge("caracal_hardening_interval_seconds", () => _interval.TotalSeconds);
    }

    /// <summary>Runs until cancelled; returns at once where it is off.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (_interval == TimeSpan.Zero) return;
        await _lease.RunAsync(LeadAsync, cancellationToken);
    }

    private async Task LeadAsync(CancellationToken cancellationToken)
    {
        try
        {
            await new RecurringJob("hardening-watch", _interval, LookAsync) { StartsAtOnce = true }.RunAsync(_time, _logger, cancellationToken);
        }
        finally
        {
            _seen = []; // whoever leads next tells
            Interlocked.Exchange(ref _lastRun, 0);
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var seen = await _inspect!(cancellationToken);
        var before = _record.Read();
        var failing = seen.Where(check => check.Status == InspectedCheck.Failed).ToList();
        foreach (var check in failing.Where(check => !before.Contains(check.Id)))
        {
            _drift.Add();
            StackLog.HardeningDrift(_logger, check.Id, check.Detail);
        }

        // A failure that could not be looked at is not mended: when it is seen again it is the old one.
        var unseen = seen.Where(check => check.Status == InspectedCheck.NotEvaluated && before.Contains(check.Id));
        _record.Write(failing.Concat(unseen).Select(check => check.Id));
        _seen = seen;
        Interlocked.Exchange(ref _lastRun, _time.GetUtcNow().ToUnixTimeSeconds());
    }
}
