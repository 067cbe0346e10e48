using Caracal.Audit.DeadLetters;
using Caracal.Audit.Ingest;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Caracal.Storage.Migrations;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.AspNetCore.Http;

namespace Caracal.Audit.Health;

/// <summary><c>GET /health</c> and <c>/ready</c>, and the figures that need a look at the stores (audit.md 10, 13).</summary>
internal sealed class AuditHealth
{
    public static readonly TimeSpan FigureInterval = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CacheTime = TimeSpan.FromSeconds(1);

    private readonly AuditConsumer _consumer;
    private readonly Database _database;
    private readonly LedgerReader _ledger;
    private readonly ISharedState _state;
    private readonly IStreamTransport _transport;
    private readonly DeadLetterQueue _deadLetters;
    private readonly AuditSettings _settings;
    private readonly TimeProvider _time;
    private volatile Figures _figures = new(0, TimeSpan.Zero, 0, TimeSpan.Zero);
    private volatile Answer? _last;

    public AuditHealth(
        AuditConsumer consumer, Database database, LedgerReader ledger, ISharedState state, IStreamTransport transport, DeadLetterQueue deadLetters,
        AuditSettings settings, AuditMetrics metrics, TimeProvider time)
    {
        _consumer = consumer;
        _database = database;
        _ledger = ledger;
        _state = state;
        _transport = transport;
        _deadLetters = deadLetters;
        _settings = settings;
        _time = time;
        metrics.Gauge("consumer_lag", () => _figures.Waiting);
        metrics.Gauge("stream_undelivered", () => _figures.Waiting);
        metrics.Gauge("consumer_pel_oldest_seconds", () => _figures.OldestWaiting.TotalSeconds, "consumer_pel_oldest_secs");
        metrics.Gauge("dlq_size", () => _figures.DeadLetters);
        metrics.Gauge("dlq_oldest_age_seconds", () => _figures.OldestDeadLetter.TotalSeconds, "dlq_oldest_age_secs");
    }

    /// <summary>Always 200: an orchestrator must not restart us because a store is down.</summary>
    public Task HealthAsync(HttpContext context)
    {
        context.Response.StatusCode = 200;
        context.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    public async Task ReadyAsync(HttpContext context)
    {
        var answer = _last;
        if (answer is null || _time.GetElapsedTime(answer.At) >= CacheTime)
        {
            _last = answer = new Answer(_time.GetTimestamp(), await FirstProblemAsync(context.RequestAborted));
        }

        context.Response.StatusCode = answer.Problem is null ? 200 : 503;
        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok"u8, answer.Problem is null);
            writer.WriteBoolean("ready"u8, answer.Problem is null);
            if (answer.Problem is { } reason)
            {
                writer.WriteString("reason"u8, reason);
            }

            writer.WriteEndObject();
        });
    }

    /// <summary>Looks at queue lengths; runs every 30 s.</summary>
    public async Task MeasureAsync(CancellationToken cancellationToken)
    {
        var deadLetters = await _deadLetters.LengthAsync(cancellationToken);
        var oldest = deadLetters == 0 ? [] : await _deadLetters.ListAsync(null, 1, cancellationToken);
        var oldestAge = oldest.Count == 0 ? TimeSpan.Zero : _time.GetUtcNow() - oldest[0].ReceivedAt;
        var waiting = await _transport.LengthAsync(Topics.AuditEvents, cancellationToken);
        var first = waiting == 0 ? [] : await _transport.RangeAsync(Topics.AuditEvents, null, 1, cancellationToken);
        var age = first.Count == 0 ? TimeSpan.Zero : _time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(first[0].Milliseconds);
        _figures = new Figures(waiting, age, deadLetters, oldestAge);
    }

    private async Task<string?> FirstProblemAsync(CancellationToken cancellationToken)
    {
        using var budget = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        budget.CancelAfter(Budget);
        // The schema first: while it is missing, the consumer and the ledger cannot but fail.
        if (await SchemaProblemAsync(budget.Token) is { } schema)
        {
            return schema;
        }

        if (!_consumer.IsHealthy)
        {
            return AuditErrors.ConsumerUnhealthy;
        }

        if (!await AnswersAsync(_ledger.PingAsync(budget.Token)))
        {
            return AuditErrors.StoreUnreachable;
        }

        if (!await AnswersAsync(_state.PingAsync(budget.Token).AsTask()))
        {
            return AuditErrors.StreamsUnreachable;
        }

        return _settings is { ReadyDeadLetterLimit: 0, ReadyLagLimit: 0 } && _settings.ReadyOldestPendingLimit == TimeSpan.Zero
            ? null
            : await FirstThresholdAsync(budget.Token);
    }

    // Unreachable is told by the checks that follow, in their order.
    private async Task<string?> SchemaProblemAsync(CancellationToken cancellationToken)
    {
        try
        {
            var state = await _database.ReadSchemaStateAsync(cancellationToken).AsTask().WaitAsync(Budget, cancellationToken);
            return state == SchemaState.Current ? null : Database.SchemaOutdated;
        }
        catch (Exception fault) when (fault is StorageUnavailableException or TimeoutException or OperationCanceledException)
        {
            return null;
        }
    }

    private async Task<string?> FirstThresholdAsync(CancellationToken cancellationToken)
    {
        await MeasureAsync(cancellationToken);
        var figures = _figures;
        return Exceeds(figures.DeadLetters, _settings.ReadyDeadLetterLimit) ? AuditErrors.DeadLetterThreshold
            : Exceeds(figures.Waiting, _settings.ReadyLagLimit) ? AuditErrors.LagThreshold
            : Exceeds(figures.OldestWaiting.TotalSeconds, _settings.ReadyOldestPendingLimit.TotalSeconds) ? AuditErrors.OldestPendingThreshold
            : null;
    }

    private static bool Exceeds(double value, double limit) => limit > 0 && value > limit;

    private static async Task<bool> AnswersAsync(Task probe)
    {
        try
        {
            await probe.WaitAsync(Budget);
            return true;
        }
        catch (Exception fault) when (fault is StorageUnavailableException or StreamsUnavailableException or TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }

    private sealed record Figures(long Waiting, TimeSpan OldestWaiting, long DeadLetters, TimeSpan OldestDeadLetter);

    private sealed record Answer(long At, string? Problem);
}
