using System.Net;
using Caracal.Hosting.Settings;
using Caracal.Keys.Certificates;
using Caracal.Streams.Redis;

namespace Caracal.Stack.Stores;

/// <summary>Where one role keeps its state: PostgreSQL and Redis (operations.md 2.4, gateway.md A14).</summary>
internal sealed record StoreSettings
{
    /// <summary><c>DATABASE_URL</c>, in a secrets folder <c>&lt;role&gt;DatabaseUrl</c>.</summary>
    public required string DatabaseUrl { get; init; }

    /// <summary><c>REDIS_URL</c>, in a secrets folder <c>&lt;role&gt;RedisUrl</c>, with the <c>REDIS_*</c> limits.</summary>
    public required RedisOptions Redis { get; init; }

    /// <summary>
    /// Null means the embedded store, which only a process with every role may use. One URL without the other, and a
    /// plain connection to another machine in rc and stable, are faults.
    /// </summary>
    public static StoreSettings? Read(SettingsReader reader, bool mayEmbed)
    {
        var database = reader.Secrets.Find("DATABASE_URL", reader.Role + "DatabaseUrl")?.Value.Reveal();
        var redis = reader.Secrets.Find("REDIS_URL", reader.Role + "RedisUrl")?.Value.Reveal();
        if (database is null && redis is null && mayEmbed)
        {
            return null;
        }

        if (database is null)
        {
            reader.Fault(redis is null ? "DATABASE_URL is required" : "DATABASE_URL is required beside REDIS_URL");
        }

        if (redis is null)
        {
            reader.Fault(database is null ? "REDIS_URL is required" : "REDIS_URL is required beside DATABASE_URL");
        }

        var options = redis is null ? null : ReadRedis(reader, redis);
        return database is null || options is null ? null : new StoreSettings { DatabaseUrl = database, Redis = options };
    }

    private static RedisOptions? ReadRedis(SettingsReader reader, string url)
    {
        if (!RedisOptions.TryParse(url, out var options, out var fault))
        {
            reader.Fault($"REDIS_URL {fault}");
            return null;
        }

        if (reader.Published && !options.UseTls && !IsNear(options.Host) && !reader.Boolean("CARACAL_ALLOW_PLAINTEXT_STORES", false))
        {
            reader.Fault("REDIS_URL must use rediss:// to another machine (or set CARACAL_ALLOW_PLAINTEXT_STORES=true)");
        }

        return options with
        {
            ExtraAuthorities = ExtraAuthorities.Load(reader.Text("CARACAL_TLS_EXTRA_CA_FILE")),
            DialTimeout = reader.Duration("REDIS_DIAL_TIMEOUT", options.DialTimeout),
            CommandTimeout = reader.Duration("REDIS_READ_TIMEOUT", options.CommandTimeout),
        };
    }

    // A single label is a name of the deployment's own network (operations.md 2.4).
    private static bool IsNear(string host) =>
        host == "localhost" || (IPAddress.TryParse(host, out var address) ? IPAddress.IsLoopback(address) : !host.Contains('.', StringComparison.Ordinal));
}
