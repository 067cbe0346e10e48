using System.Net;
using Caracal.Hosting;
using Caracal.Hosting.Settings;
using Caracal.Keys.Certificates;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.Streams.Redis;

namespace Caracal.Stack.Stores;

/// <summary>Where one role keeps its state: PostgreSQL and Redis (operations.md 2.4, gateway.md A14).</summary>
internal sealed record StoreSettings
{
    /// <summary><c>DATABASE_URL</c>, in a secrets folder <c>&lt;role&gt;DatabaseUrl</c>.</summary>
    public required PostgresAddress Database { get; init; }

    /// <summary>The role's pool and time limits (operations.md 7.3).</summary>
    public required PostgresSettings Limits { get; init; }

    /// <summary><c>REDIS_URL</c>, in a secrets folder <c>&lt;role&gt;RedisUrl</c>, with the <c>REDIS_*</c> limits.</summary>
    public required RedisOptions Redis { get; init; }

    /// <summary>Whether the mode is rc or stable.</summary>
    public required bool IsPublished { get; init; }

    /// <summary>The files behind <see cref="Database"/>: what a reload takes.</summary>
    public required CredentialRing DatabaseEntry { get; init; }

    /// <summary>The files behind <see cref="Redis"/>.</summary>
    public required CredentialRing RedisEntry { get; init; }

    /// <summary>
    /// Null means the embedded store, which only a process with every role may use. One URL without the other, and a
    /// plain connection to another machine in rc and stable, are faults.
    /// </summary>
    public static StoreSettings? Read(SettingsReader reader, bool mayEmbed)
    {
        var plaintext = reader.Boolean("CARACAL_ALLOW_PLAINTEXT_STORES", false);
        var database = reader.Secrets.Credential(
            "DATABASE_URL", reader.Role + "DatabaseUrl", "postgres:" + reader.Role, url => DatabaseProblem(url, reader.Published, plaintext));
        var redis = reader.Secrets.Credential("REDIS_URL", reader.Role + "RedisUrl", "redis:" + reader.Role, url => RedisProblem(url, reader.Published, plaintext));
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

        var options = redis is null ? null : ReadRedis(reader, redis.Current.Reveal(), plaintext);
        var address = database is null ? null : ReadDatabase(reader, database.Current.Reveal(), plaintext);
        return address is null || options is null ? null : new StoreSettings
        {
            Database = address,
            IsPublished = reader.Published,
            Limits = ReadLimits(reader),
            Redis = options,
            DatabaseEntry = database!,
            RedisEntry = redis!,
        };
    }

    private static string? DatabaseProblem(string url, bool published, bool plaintext)
    {
        try
        {
            return PostgresAddress.Parse(url).TransportProblem(published, plaintext);
        }
        catch (FormatException fault)
        {
            return fault.Message;
        }
    }

    private static string? RedisProblem(string url, bool published, bool plaintext) =>
        !RedisOptions.TryParse(url, out var options, out var fault) ? fault
        : published && !options.UseTls && !IsNear(options.Host) && !plaintext ? "must use rediss:// to another machine (or set CARACAL_ALLOW_PLAINTEXT_STORES=true)"
        : null;

    private static PostgresAddress? ReadDatabase(SettingsReader reader, string url, bool plaintext)
    {
        if (DatabaseProblem(url, reader.Published, plaintext) is { } problem)
        {
            reader.Fault($"DATABASE_URL {problem}");
            return null;
        }

        var address = PostgresAddress.Parse(url);
        JudgePassword(reader, "DATABASE_URL", address.JudgePassword);
        return address;
    }

    // The names and limits of v1.0 differ between its two families of services.
    private static PostgresSettings ReadLimits(SettingsReader reader)
    {
        var limits = new PostgresSettings { Role = ServiceRole.Of(reader.Role), Instance = ServiceInstance.Id };
        return reader.Role is StackRoles.Api or StackRoles.Coordinator
            ? limits with
            {
                MaximumConnections = reader.Integer("DB_POOL_MAX", 20, minimum: 2),
                ConnectTimeout = TimeSpan.FromSeconds(5),
                StatementTimeout = TimeSpan.FromSeconds(reader.Role == StackRoles.Api ? 15 : 10),
                IdleLifetime = TimeSpan.FromSeconds(30),
            }
            : limits with
            {
                MaximumConnections = reader.Integer("DB_MAX_CONNS", 20, minimum: 2),
                MinimumConnections = reader.Integer("DB_MIN_CONNS", 2, minimum: 0),
                ConnectTimeout = reader.Duration("DB_CONNECT_TIMEOUT", TimeSpan.FromSeconds(10)),
            };
    }

    private static RedisOptions? ReadRedis(SettingsReader reader, string url, bool plaintext)
    {
        if (RedisProblem(url, reader.Published, plaintext) is { } problem || !RedisOptions.TryParse(url, out var options, out problem))
        {
            reader.Fault($"REDIS_URL {problem}");
            return null;
        }

        if (options.Password is { } password) JudgePassword(reader, "REDIS_URL", rule => rule(password.Reveal()));
        else reader.Warn("REDIS_URL carries no password: whoever reaches Redis can forge stream entries and erase replay marks");
        return options with
        {
            ExtraAuthorities = ExtraAuthorities.Load(reader.Text("CARACAL_TLS_EXTRA_CA_FILE")),
            DialTimeout = reader.Duration("REDIS_DIAL_TIMEOUT", options.DialTimeout),
            CommandTimeout = reader.Duration("REDIS_READ_TIMEOUT", options.CommandTimeout),
        };
    }

    // Operations.md 2.3: a placeholder is refused, a short password of the operator's own is only warned of.
    private static void JudgePassword(SettingsReader reader, string variable, Func<Func<string, string?>, string?> judge)
    {
        if (judge(static password => SecretRules.IsPlaceholder(password) ? "must not be a placeholder value" : null) is { } placeholder)
        {
            reader.Weakness($"{variable}: the password {placeholder}");
        }
        else if (judge(static password => SecretRules.PasswordWeakness(password, generated: false)) is { } weakness)
        {
            reader.Warn($"{variable}: the password {weakness}");
        }
    }

    // A single label is a name of the deployment's own network (operations.md 2.4).
    private static bool IsNear(string host) =>
        host == "localhost" || (IPAddress.TryParse(host, out var address) ? IPAddress.IsLoopback(address) : !host.Contains('.', StringComparison.Ordinal));
}
