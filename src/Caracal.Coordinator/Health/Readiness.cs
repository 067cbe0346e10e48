using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Storage.Outbox;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Coordinator.Health;

/// <summary>What keeps the service from being ready.</summary>
/// <param name="Error">The code.</param>
/// <param name="Dependency">Who is missing.</param>
internal sealed record Unready(string Error, string Dependency);

/// <summary>
/// Probes the store, the outbox and the shared state at the same time and names the first that fails, in this order. An
/// answer serves for a second, so that probes cannot overload what they probe (operations.md 6.2).
/// </summary>
internal sealed class Readiness(Database database, ISharedState state, CoordinatorOutboxCare outbox, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);
    private volatile Answer? _last;

    /// <summary>Null when ready.</summary>
    public async Task<Unready?> CheckAsync()
    {
        var now = time.GetUtcNow();
        if (_last is { } last && now >= last.At && now - last.At < Lifetime)
        {
            return last.Unready;
        }

        var (store, shared) = (ProbeStoreAsync(), ProbeStateAsync());
        await Task.WhenAll(store, shared);
        var unready = (await store) ?? (await shared);
        _last = new Answer(now, unready);
        return unready;
    }

    private async Task<Unready?> ProbeStoreAsync()
    {
        try
        {
            if (await database.ReadSchemaStateAsync().AsTask().WaitAsync(ProbeTime) != SchemaState.Current)
            {
                return new Unready(Database.SchemaOutdated, "postgres");
            }

            if (await database.ReadAsync(outbox.HasDeadAsync).WaitAsync(ProbeTime))
            {
                CoordinatorLog.ReadyOutboxDead(logger);
                return new Unready("outbox_dead", "outbox");
            }

            return null;
        }
        catch (Exception fault)
        {
            CoordinatorLog.ReadyStoreUnreachable(logger, fault);
            return new Unready("postgres_unreachable", "postgres");
        }
    }

    private async Task<Unready?> ProbeStateAsync()
    {
        try
        {
            await state.PingAsync(CancellationToken.None).AsTask().WaitAsync(ProbeTime);
            return null;
        }
        catch (Exception fault)
        {
            CoordinatorLog.ReadyStateUnreachable(logger, fault);
            return new Unready("redis_unreachable", "redis");
        }
    }

    private sealed record Answer(DateTimeOffset At, Unready? Unready);
}
