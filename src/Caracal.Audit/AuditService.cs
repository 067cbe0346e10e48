using Caracal.Audit.Checkpoints;
using Caracal.Audit.DeadLetters;
using Caracal.Audit.Epochs;
using Caracal.Audit.Export;
using Caracal.Audit.Feeds;
using Caracal.Audit.Health;
using Caracal.Audit.Ingest;
using Caracal.Audit.Retention;
using Caracal.Audit.Search;
using Caracal.Audit.Tampering;
using Caracal.Audit.Witnesses;
using Caracal.Evidence.Trail;
using Caracal.Hosting.Http;
using Caracal.Hosting.Jobs;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Caracal.Storage.Leadership;
using Caracal.Storage.Ledger;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit;

/// <summary>The Audit service on one page: what it needs, what runs, what it answers.</summary>
public sealed class AuditService : IAsyncDisposable
{
    // audit.md 7.
    private static readonly AdvisoryLock ExportLock = AdvisoryLock.Job(0x4341524130303031);
    private static readonly AdvisoryLock RetentionLock = AdvisoryLock.Job(0x4341524130303032);
    private static readonly AdvisoryLock SweepLock = AdvisoryLock.Job(0x4341524130303033);

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(10);

    private readonly AuditConsumer _consumer;
    private readonly TamperSweep _sweep;
    private readonly PartitionCare _partitions;
    private readonly PolicyInputCare _inputs;
    private readonly AuditMetrics _metrics;
    private readonly AuditHealth _health;
    private readonly AuditMetricsEndpoint _metricsEndpoint;
    private readonly SearchEndpoint _search;
    private readonly AlertsEndpoint _alerts;
    private readonly HoldEndpoints _holds;
    private readonly DeadLetterEndpoints _deadLetters;
    private readonly SelfTestRefusal _refusal;
    private readonly CheckpointEndpoints _checkpoints;
    private readonly Checkpointer? _checkpointer;
    private readonly Cosigning? _cosigning;
    private readonly TimeStamping? _timeStamping;
    private readonly HourlyExport? _export;
    private readonly RecurringJob[] _sweeps;
    private readonly LeaderLease _sweeping;
    private readonly LeaderLease _telling;
    private readonly LeaderLease _keeping;
    private readonly FeedHttp _feedHttp = new();
    private readonly IReadOnlyList<LedgerFeed> _feeds;
    private readonly EpochSealer? _sealer;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly BackgroundTasks _tasks = new();

    public AuditService(
        AuditSettings settings, Database database, DatabaseClock clock, IStreamTransport transport, ISharedState state, ILogger logger,
        MetricsRegistry? storeMetrics = null)
    {
        _time = clock.Process;
        _logger = logger;
        var registry = new MetricsRegistry();
        registry.Include(storeMetrics);
        var metrics = _metrics = new AuditMetrics(registry);
        var ledger = new LedgerReader(database);
        var queue = new DeadLetterQueue(transport, settings.StreamKeys, settings.AuditKeys, metrics, _time, logger);
        var inputs = new PolicyInputStore(database);
        var appended = settings.Checkpoints.Signer is null ? null : new AppendedContents();
        var writer = new LedgerWriter(database, new LedgerStore(database.Dialect), settings.AuditKeys, clock, settings.ReplayInputDays > 0 ? inputs : null, appended);
        var expected = new ExpectedRefusals(state);
        var ingester = new AuditIngester(writer, queue, expected, settings.AuditKeys, metrics, settings.MaximumEventBytes);
        var access = new AdminAccess(settings.AdminToken);
        _consumer = new AuditConsumer(transport, state, ingester, queue, ledger, settings, metrics, _time, logger);
        _sweep = new TamperSweep(new LedgerVerification(database, settings.AuditKeys, settings.Checkpoints.Signer?.Key), new SweepStore(database), settings, metrics, clock, logger);
        metrics.Gauge("tamper_sweep_rows_done", () => _sweep.Done);
        metrics.Gauge("tamper_sweep_rows_total", () => _sweep.Total);
        _holds = new HoldEndpoints(new LegalHoldStore(database), access, clock);
        _alerts = new AlertsEndpoint(new SweepStore(database), access, clock);
        _partitions = new PartitionCare(new LedgerPartitions(database), new LedgerRetention(database, settings.AuditKeys), settings, metrics, clock, logger);
        _inputs = new PolicyInputCare(inputs, new LedgerRetention(database), settings, metrics, clock);
        _health = new AuditHealth(_consumer, database, ledger, state, transport, queue, settings, metrics, _time, logger);
        _metricsEndpoint = new AuditMetricsEndpoint(metrics, _health.Readiness, new MetricsAccess(settings.MetricsToken, settings.Mode));
        _search = new SearchEndpoint(ledger, access, clock);
        _deadLetters = new DeadLetterEndpoints(queue, access, _time);
        _refusal = new SelfTestRefusal(transport, queue, expected, settings.StreamKeys, new MetricsAccess(settings.MetricsToken, settings.Mode), clock);
        var checkpoints = new CheckpointStore(database);
        _checkpoints = new CheckpointEndpoints(checkpoints, ledger, settings.Checkpoints, access);
        _checkpointer = settings.Checkpoints.Signer is null ? null : new Checkpointer(checkpoints, settings.Checkpoints, metrics, clock, logger, appended);
        _cosigning = settings.Checkpoints.Witnesses.Count == 0 ? null : new Cosigning(checkpoints, settings.Checkpoints.Witnesses, _feedHttp, metrics, clock, logger);
        _timeStamping = settings.Checkpoints.TimeStampUrl is null ? null : new TimeStamping(checkpoints, settings.Checkpoints, _feedHttp, metrics, clock, logger);
        _export = !settings.Export.IsOn ? null : new HourlyExport(
            database, ExportTargets.Of(settings.Export, _time), new StoredProgress(database), settings.Export, settings.AuditKeys, settings.Checkpoints.Signer, metrics, clock, logger);
        _sealer = settings.AuditKeys is null ? null : new EpochSealer(database, settings.AuditKeys, writer, clock, logger);
        _feeds = [.. FeedSinks.Of(settings.Feeds, _feedHttp, _time).Select(sink => new LedgerFeed(sink, database, metrics, clock, logger))];
        _sweeps =
        [
            new RecurringJob("tamper-sweep-full", TamperSweep.FullInterval, _sweep.RunFullAsync) { StartsAtOnce = true },
            new RecurringJob("tamper-sweep-rolling", TamperSweep.RollingInterval, _sweep.RunRollingAsync),
        ];
        _sweeping = Lease(database, SweepLock, "sweep");
        _telling = Lease(database, ExportLock, "export");
        _keeping = Lease(database, RetentionLock, "retention");
        JournalSink = new JournalSink(ingester, settings.AuditKeys);
        ServerOptions = new RoleServerOptions
        {
            Role = AuditSettings.Role,
            Listen = settings.Listen,
            RequestIdRule = RequestIdRule.Visible,
            KeepAlive = TimeSpan.FromSeconds(60),
            MaximumBodySize = 64 * 1024,
        };
    }

    /// <summary>Where the journals of this process ship to.</summary>
    public IAuditSink JournalSink { get; }

    /// <summary>How this service listens.</summary>
    public RoleServerOptions ServerOptions { get; }

    public void MapRoutes(WebApplication application)
    {
        application.MapGet("/health", _health.HealthAsync);
        application.MapGet("/ready", _health.ReadyAsync);
        application.MapGet("/metrics", _metricsEndpoint.TextAsync);
        application.MapGet("/metrics.json", _metricsEndpoint.JsonAsync);
        application.MapGet("/api/audit/search", _search.HandleAsync);
        application.MapGet("/api/audit/alerts", _alerts.HandleAsync);
        application.MapPost("/api/audit/alerts/{id}/close", _alerts.CloseAsync);
        application.MapGet("/api/audit/holds", _holds.ListAsync);
        application.MapPost("/api/audit/holds", _holds.PlaceAsync);
        application.MapPost("/api/audit/holds/{id}/release", _holds.ReleaseAsync);
        application.MapGet("/api/audit/checkpoint", _checkpoints.CheckpointAsync);
        application.MapGet("/api/audit/checkpoint-key", _checkpoints.KeyAsync);
        application.MapGet("/api/audit/checkpoint/timestamp", _checkpoints.TimeStampAsync);
        application.MapGet("/api/audit/proof/inclusion", _checkpoints.InclusionAsync);
        application.MapGet("/api/audit/proof/consistency", _checkpoints.ConsistencyAsync);
        application.MapGet("/api/audit/dlq", _deadLetters.ListAsync);
        application.MapGet("/api/audit/dlq/{id}", _deadLetters.GetAsync);
        application.MapPost("/api/audit/dlq/replay", _deadLetters.ReplayAsync);
        application.MapPost("/internal/selftest/refusal", _refusal.HandleAsync);
    }

    /// <summary>Starts ingest, the figures and the sweeps: full now and daily, the last hours hourly.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _consumer.CreateGroupAsync(cancellationToken);
        _tasks.Start(_consumer.RunAsync);
        _tasks.Start(token => _sweeping.RunAsync(SweepAsync, token));
        _tasks.Start(token => _telling.RunAsync(TellAsync, token));
        _tasks.Start(token => _keeping.RunAsync(KeepAsync, token));
        if (_checkpointer is not null) Every("audit-checkpoints", Checkpointer.LookInterval, _checkpointer.RunAsync);
        if (_sealer is not null) Every("audit-epochs", EpochSealer.Interval, _sealer.RunAsync);
        Every("audit-figures", AuditHealth.FigureInterval, _health.MeasureAsync);
    }

    public Task StopAsync() => _tasks.StopAsync(StopLimit);

    public async ValueTask DisposeAsync()
    {
        await _tasks.DisposeAsync();
        _feedHttp.Dispose();
    }

    // One replica re-computes the ledger; a sweep that broke off goes on where it was, at whoever leads next. Who leads again, as
    // after a change of its login, does not read the whole ledger again for it.
    private Task SweepAsync(CancellationToken term) => Task.WhenAll(_sweeps.Select(job => job.RunAsync(_time, _logger, term)));

    // One replica tells the world outside.
    private Task TellAsync(CancellationToken term)
    {
        var jobs = _feeds.Select(feed => WhileLeadingAsync("audit-feed", LedgerFeed.Interval, feed.RunAsync, atOnce: true, term)).ToList();
        if (_export is not null) jobs.Add(WhileLeadingAsync("audit-export", HourlyExport.Interval, _export.RunAsync, atOnce: true, term));
        if (_cosigning is not null) jobs.Add(WhileLeadingAsync("audit-cosigning", Cosigning.Interval, _cosigning.RunAsync, atOnce: true, term));
        if (_timeStamping is not null) jobs.Add(WhileLeadingAsync("audit-time-stamps", TimeStamping.Interval, _timeStamping.RunAsync, atOnce: true, term));
        return jobs.Count == 0 ? Task.Delay(Timeout.InfiniteTimeSpan, term) : Task.WhenAll(jobs);
    }

    // One replica makes months and removes what is not kept. What it misses at first lands in the default partition and is moved later.
    private async Task KeepAsync(CancellationToken term)
    {
        try
        {
            await Task.WhenAll(
                WhileLeadingAsync("ledger-partitions", PartitionCare.Interval, _partitions.RunAsync, atOnce: true, term),
                WhileLeadingAsync("policy-inputs", PolicyInputCare.Interval, _inputs.RunAsync, atOnce: false, term));
        }
        finally
        {
            _metrics.ForgetRetention(); // after the run that the end of the lead broke off, which may still have told what it saw
        }
    }

    private Task WhileLeadingAsync(string name, TimeSpan interval, Func<CancellationToken, Task> run, bool atOnce, CancellationToken term) =>
        new RecurringJob(name, interval, run) { StartsAtOnce = atOnce }.RunAsync(_time, _logger, term);

    private LeaderLease Lease(Database database, AdvisoryLock wanted, string name)
    {
        var lease = new LeaderLease(database, wanted, _time, LeaderLease.DefaultInterval)
        {
            Changed = leads => ServiceLog.LeadChanged(_logger, AuditSettings.Role, name, leads),
        };
        _metrics.Gauge($"is_{name}_leader", () => lease.IsLeader ? 1 : 0);
        _metrics.ObserveCounter($"{name}_lease_transitions_total", () => lease.Changes, $"{name}_lease_changes_total");
        return lease;
    }

    private void Every(string name, TimeSpan interval, Func<CancellationToken, Task> run)
    {
        var job = new RecurringJob(name, interval, run);
        _tasks.Start(token => job.RunAsync(_time, _logger, token));
    }
}
