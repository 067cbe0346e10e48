using Caracal.Evidence.Trail;
using Caracal.Hosting;
using Caracal.Hosting.Metrics;
using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
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

    // A store that is down or has an older schema is waited for: the service stays up and says so (operations.md 7.4).
    public override async Task PrepareAsync(Func<string, Task> waiting, CancellationToken cancellationToken)
    {
        foreach (var (role, servers) in _roles)
        {
            while (await FirstProblemAsync(role, servers.Stores, cancellationToken) is { } reason)
            {
                await waiting(reason);
                await Task.Delay(AttemptInterval, _time, cancellationToken);
            }
        }
    }

    public override Task TendAsync(CancellationToken cancellationToken) => Task.WhenAll(
        _roles.SelectMany(role => (Task[])
        [
            ClockCare.RunAsync(role.Value.Stores.Clock, _logger, cancellationToken),
            new StreamCare(role.Key, role.Value.IsPublished, role.Value.Redis, role.Value.Stores.Metrics, _time, _logger).RunAsync(cancellationToken),
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
        var database = new PostgresDatabase(settings.Database, settings.Limits);
        var redis = new RedisConnection(settings.Redis with { ClientName = ClientName(role) });
        settings.DatabaseEntry.Changed = url => database.EnterAsync(PostgresAddress.Parse(url.Reveal()));
        settings.RedisEntry.Retired = url => Reenter(redis, settings, role, url);
        settings.RedisEntry.Changed = url =>
        {
            Reenter(redis, settings, role, url);
            return Task.FromResult(true);
        };
        var metrics = new MetricsRegistry();
        RedisMetrics.Register(metrics, redis.Figures);
        PoolMetrics.Register(metrics, role, database.Pool);
        var state = new RedisState(redis);
        return new RoleServers(settings.IsPublished, redis, new RoleStores
        {
            Database = database,
            Clock = new DatabaseClock(database, _time),
            Streams = new RedisStreams(redis) { GroupRecreated = (topic, group) => StackLog.GroupRecreated(_logger, topic, group) },
            State = state,
            Leases = state,
            Buckets = state,
            Metrics = metrics,
        });
    }

    private static string ClientName(string role) => $"caracal-{role}:{ServiceInstance.Id}";

    private static void Reenter(RedisConnection redis, StoreSettings settings, string role, SecretText url)
    {
        if (!RedisOptions.TryParse(url.Reveal(), out var entry, out _)) return; // A reload that took it has asked already.
        redis.Enter(settings.Redis with
        {
            Host = entry.Host,
            Port = entry.Port,
            UseTls = entry.UseTls,
            User = entry.User,
            Password = entry.Password,
            Database = entry.Database,
            ClientName = ClientName(role),
        });
    }

    private async Task<string?> FirstProblemAsync(string role, RoleStores stores, CancellationToken cancellationToken)
    {
        try
        {
            await stores.Clock.MeasureAsync(cancellationToken);
            switch (await stores.Database.ReadSchemaStateAsync(cancellationToken))
            {
                case SchemaState.Incompatible:
                    throw new SettingsException(role, ["schema_incompatible: the database belongs to a newer version"]);
                case SchemaState.Outdated:
                    StackLog.SchemaAwaited(_logger, role);
                    return "schema_outdated";
            }

            await stores.State.PingAsync(cancellationToken);
            return null;
        }
        catch (StorageUnavailableException fault)
        {
            StackLog.StoreAwaited(_logger, fault, role);
            return "postgres_unreachable";
        }
        catch (StreamsUnavailableException fault)
        {
            StackLog.StoreAwaited(_logger, fault, role);
            return "redis_unreachable";
        }
    }

    private sealed record RoleServers(bool IsPublished, RedisConnection Redis, RoleStores Stores);
}
