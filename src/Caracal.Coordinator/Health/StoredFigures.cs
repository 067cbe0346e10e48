using Caracal.Authority.Invocations;
using Caracal.Authority.Sessions;
using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Caracal.Storage.Idempotency;
using Caracal.Storage.Invocations;
using Caracal.Storage.Outbox;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Health;

/// <summary>What metrics say about stored rows, read at most every 15 seconds (coordinator.md 15).</summary>
internal sealed class StoredFigures
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(15);
    private static readonly string[] SessionStates = [SessionStatus.Active, SessionStatus.Suspended, SessionStatus.Terminated, SessionStatus.Expired];
    internal static readonly string[] InvocationStates =
    [
        InvocationStatus.Pending, InvocationStatus.Running, InvocationStatus.CancelRequested, InvocationStatus.Succeeded,
        InvocationStatus.Failed, InvocationStatus.Canceled, InvocationStatus.TimedOut, InvocationStatus.Dead,
    ];

    private static readonly string[] OutboxStates = ["pending", "published", "dead"];

    private readonly Database _database;
    private readonly DatabaseClock _clock;
    private readonly SessionStore _sessions;
    private readonly InvocationStore _invocations;
    private readonly ReceiptStore _receipts;
    private readonly CoordinatorOutboxCare _outbox;
    private volatile Figures _figures = new(DateTimeOffset.MinValue, [], [], [], 0, null);

    public StoredFigures(
        Database database, DatabaseClock clock, SessionStore sessions, InvocationStore invocations, ReceiptStore receipts,
        CoordinatorOutboxCare outbox, MetricsRegistry registry)
    {
        _database = database;
        _clock = clock;
        _sessions = sessions;
        _invocations = invocations;
        _receipts = receipts;
        _outbox = outbox;
        foreach (var state in OutboxStates)
        {
            registry.Gauge($"caracal_outbox_total{{status=\"{state}\"}}", () => OutboxRows(state));
        }

        foreach (var state in SessionStates)
        {
            registry.Gauge($"caracal_sessions{{status=\"{state}\"}}", () => _figures.Sessions.GetValueOrDefault(state));
        }

        foreach (var state in InvocationStates)
        {
            registry.Gauge($"caracal_invocations_total{{status=\"{state}\"}}", () => Invocations(state));
        }

        registry.Gauge("caracal_idempotency_receipts", () => Receipts);
        registry.Gauge("caracal_idempotency_oldest_seconds", () => OldestReceiptSeconds);
    }

    public long Receipts => _figures.Receipts;

    public double OldestReceiptSeconds => _figures.OldestReceipt is { } oldest ? Math.Max(0, (_clock.Now - oldest).TotalSeconds) : 0;

    public long OutboxRows(string status) => _figures.Outbox.GetValueOrDefault(status);

    public long Invocations(string status) => _figures.Invocations.GetValueOrDefault(status);

    /// <summary>Reads again when the last reading is too old; while the store is away the last one stays.</summary>
    public Task RefreshAsync(CancellationToken cancellationToken) =>
        _clock.Now - _figures.ReadAt < Lifetime ? Task.CompletedTask : LastFigures.TryRefreshAsync(ReadAsync, cancellationToken);

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var now = _clock.Now;
        _figures = await _database.ReadAsync(
            async connection =>
            {
                var (rows, oldest) = await _receipts.FiguresAsync(connection);
                return new Figures(
                    now,
                    (await _sessions.CountByStatusAsync(connection)).ToDictionary(pair => pair.Status, pair => pair.Count, StringComparer.Ordinal),
                    (await _invocations.CountByStatusAsync(connection)).ToDictionary(pair => pair.Status, pair => pair.Count, StringComparer.Ordinal),
                    (await _outbox.CountByStatusAsync(connection)).ToDictionary(pair => pair.Status, pair => pair.Count, StringComparer.Ordinal),
                    rows,
                    oldest);
            },
            cancellationToken);
    }

    private sealed record Figures(
        DateTimeOffset ReadAt, Dictionary<string, long> Sessions, Dictionary<string, long> Invocations, Dictionary<string, long> Outbox,
        long Receipts, DateTimeOffset? OldestReceipt);
}
