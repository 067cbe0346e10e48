using Caracal.Audit.DeadLetters;
using Caracal.Audit.Ingest;
using Caracal.Hosting.Health;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Caracal.Storage.Migrations;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Health;

/// <summary><c>GET /health</c> and <c>/ready</c>, and the figures that need a look at the stores (audit.md 10, 13).</summary>
internal sealed class AuditHealth
{
    public static readonly TimeSpan FigureInterval = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);

    private readonly AuditConsumer _consumer;
    private readonly Database _database;
    private readonly LedgerReader _ledger;
    private readonly ISharedState _state;
    private readonly IStreamTransport _transport;
    private readonly DeadLetterQueue _deadLetters;
    private readonly AuditSettings _settings;
    private readonly TimeProvider _time;
    private volatile Figures _figures = new(new GroupBacklog(0, 0, null), TimeSpan.Zero, 0, TimeSpan.Zero);

    public AuditHealth(
        AuditConsumer consumer, Database database, LedgerReader ledger, ISharedState state, IStreamTransport transport, DeadLetterQueue deadLetters,
        AuditSettings settings, AuditMetrics metrics, TimeProvider time, ILogger logger)
    {
        _consumer = consumer;
        _database = database;
        _ledger = ledger;
        _state = state;
        _transport = transport;
        _deadLetters = deadLetters;
        _settings = settings;
        _time = time;
        Readiness = new CachedReadiness(AuditSettings.Role, [.. Probes()], Budget, time, logger);
        Readiness.Show(metrics.Registry);
        metrics.Gauge("consumer_lag", () => _figures.Backlog.Waiting);
        metrics.Gauge("stream_undelivered", () => _figures.Backlog.Undelivered);
        metrics.Gauge("consumer_pel_oldest_seconds", () => _figures.OldestWaiting.TotalSeconds, "consumer_pel_oldest_secs");
        metrics.Gauge("dlq_size", () => _figures.DeadLetters);
        metrics.Gauge("dlq_oldest_age_seconds", () => _figures.OldestDeadLetter.TotalSeconds, "dlq_oldest_age_secs");
    }

    /// <summary>Whether this service can do its work.</summary>
    public CachedReadiness Readiness { get; }

    /// <summary>Always 200: an orchestrator must not restart us because a store is down.</summary>
    public Task HealthAsync(HttpContext context)
    {
        context.Response.StatusCode = 200;
        context.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    public Task ReadyAsync(HttpContext context) => ReadyAnswer.WriteAsync(context, Readiness);

    /// <summary>Looks at queue lengths; runs every 30 s.</summary>
    public async Task MeasureAsync(CancellationToken cancellationToken)
    {
        var deadLetters = await _deadLetters.LengthAsync(cancellationToken);
        var oldest = deadLetters == 0 ? [] : await _deadLetters.ListAsync(null, 1, cancellationToken);
        var oldestAge = oldest.Count == 0 ? TimeSpan.Zero : _time.GetUtcNow() - oldest[0].ReceivedAt;

        // The group's and not the topic's: what is acknowledged stays there until it is trimmed.
        var backlog = await _transport.BacklogAsync(Topics.AuditEvents, AuditConsumer.Group, cancellationToken);
        _figures = new Figures(backlog, backlog.OldestAge(_time.GetUtcNow()), deadLetters, oldestAge);
    }

    private IEnumerable<ReadinessProbe> Probes()
    {
        // The schema first: while it is missing, the consumer and the ledger cannot but fail.
        yield return new(null, async budget => await _database.ReadSchemaStateAsync(budget) == SchemaState.Current ? null : Database.SchemaOutdated);
        yield return ReadinessProbe.Holds(AuditErrors.ConsumerUnhealthy, () => _consumer.IsHealthy);
        yield return ReadinessProbe.Answers(AuditErrors.StoreUnreachable, budget => _ledger.PingAsync(budget));
        yield return ReadinessProbe.Answers(AuditErrors.StreamsUnreachable, budget => _state.PingAsync(budget).AsTask());
        if (_settings.ReadyDeadLetterLimit > 0 || _settings.ReadyLagLimit > 0 || _settings.ReadyOldestPendingLimit > TimeSpan.Zero)
        {
            yield return new(AuditErrors.StreamsUnreachable, FirstThresholdAsync);
        }
    }

    private async Task<string?> FirstThresholdAsync(CancellationToken cancellationToken)
    {
        await MeasureAsync(cancellationToken);
        var figures = _figures;
        return Exceeds(figures.DeadLetters, _settings.ReadyDeadLetterLimit) ? AuditErrors.DeadLetterThreshold
            : Exceeds(figures.Backlog.Waiting, _settings.ReadyLagLimit) ? AuditErrors.LagThreshold
            : Exceeds(figures.OldestWaiting.TotalSeconds, _settings.ReadyOldestPendingLimit.TotalSeconds) ? AuditErrors.OldestPendingThreshold
            : null;
    }

    private static bool Exceeds(double value, double limit) => limit > 0 && value > limit;

    private sealed record Figures(GroupBacklog Backlog, TimeSpan OldestWaiting, long DeadLetters, TimeSpan OldestDeadLetter);
}
