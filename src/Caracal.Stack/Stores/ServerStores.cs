using Caracal.Evidence.Trail;
using Caracal.Hosting;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Storage.Postgres;
using Caracal.Streams;
using Caracal.Streams.Redis;
using Caracal.Streams.Relay;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack.Stores;

/// <summary>PostgreSQL and Redis, entered by every role of this process with its own login (operations.md 7.1, 8).</summary>
internal sealed class ServerStores : StackStores
{
    // operations.md 7.4: a store that is still starting is waited for; one that is not there ends the start.
    private const int Attempts = 30;
    private static readonly TimeSpan AttemptInterval = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Dictionary<string, RoleServers> _roles;

    public ServerStores(IReadOnlyDictionary<string, StoreSettings> settings, TimeProvider time, ILogger logger)
    {
        _time = time;
        _logger = logger;
        _roles = settings.ToDictionary(role => role.Key, role => Enter(role.Key, role.Value), StringComparer.Ordinal);
    }

    public override RoleStores For(string role) => _roles[role].Stores;

    public override IAuditSink SinkFor(string role, HmacKeyRing? keys) => new AuditStreamSink(_roles[role].Stores.Streams, keys);

    public override async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(_roles.Values.Select(role => WaitAsync(role.Stores, cancellationToken)));
        await Migrator.MigrateAsync(_roles.Values.First().Stores.Database, _time.GetUtcNow(), cancellationToken);
    }

    public override Task TendAsync(CancellationToken cancellationToken) => Task.WhenAll(
        _roles.SelectMany(role => (Task[])
        [
            ClockCare.RunAsync(role.Value.Stores.Clock, _logger, cancellationToken),
            new StreamCare(role.Key, role.Value.Redis, role.Value.Stores.Metrics, _time, _logger).RunAsync(cancellationToken),
        ]));

    public override async ValueTask DisposeAsync()
    {
        foreach (var role in _roles.Values)
        {
            await role.Redis.DisposeAsync();
            await role.Stores.Database.DisposeAsync();
        }
    }

    private RoleServers Enter(string role, StoreSettings settings)
    {
        var name = $"caracal-{role}:{ServiceInstance.Id}";
        var database = new PostgresDatabase(
            settings.DatabaseUrl, new PostgresSettings { ApplicationName = name, ReadSchema = $"{role}_read" });
        var redis = new RedisConnection(settings.Redis with { ClientName = name });
        var metrics = new MetricsRegistry();
        RedisMetrics.Register(metrics, redis.Figures);
        return new RoleServers(redis, new RoleStores
        {
            Database = database,
            Clock = new DatabaseClock(database, _time),
            Streams = new RedisStreams(redis) { GroupRecreated = (topic, group) => StackLog.GroupRecreated(_logger, topic, group) },
            State = new RedisState(redis),
            Metrics = metrics,
        });
    }

    private async Task WaitAsync(RoleStores stores, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await stores.Clock.MeasureAsync(cancellationToken);
                await stores.State.PingAsync(cancellationToken);
                return;
            }
            catch (Exception fault) when (fault is StorageUnavailableException or StreamsUnavailableException && attempt < Attempts)
            {
                StackLog.StoreAwaited(_logger, fault);
                await Task.Delay(AttemptInterval, _time, cancellationToken);
            }
        }
    }

    private sealed record RoleServers(RedisConnection Redis, RoleStores Stores);
}
