using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Caracal.Cli.Hardening;

namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>Faults of PostgreSQL and Redis, and of how services reach them.</summary>
internal static class StoreFaults
{
    private static readonly string Outside = NetworkInterface.GetAllNetworkInterfaces().SelectMany(card => card.GetIPProperties().UnicastAddresses)
        .Select(address => address.Address).FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address))?.ToString()
        ?? "192.0.2.1"; // for documentation; without a network it is refused as well

    public static IReadOnlyDictionary<string, Pair> All { get; } = new Dictionary<string, Pair>(StringComparer.Ordinal)
    {
        ["no TLS to PostgreSQL"] = new("H-PG-1", "fail", $"no TLS is required to {Outside}", on => Elsewhere(on, "gatewayDatabaseUrl")),
        ["superuser"] = new("H-PG-2", "fail", "superuser", on => on.Set("API__DATABASE_URL_FILE", on.Running.Write("url", on.Stores!.AdministratorUrl))),
        ["pools beyond the server"] = new("H-PG-2", "warn", "more than four fifths of max_connections", on => on.Set("API__DB_POOL_MAX", "1000")),
        ["superuser at the login"] = new("preflight PostgreSQL login", "fail", "superuser", on => on.Set("API__DATABASE_URL_FILE", on.Running.Write("url", on.Stores!.AdministratorUrl))),
        ["more than the matrix gives"] = new("H-PG-3", "fail", "audit may DELETE public.audit_events", on => on.Stores!.Execute("GRANT DELETE ON audit_events TO caracalaudit")),
        ["unguarded table"] = new("H-PG-3", "fail", "row-level security is off on sessions", on => on.Stores!.Execute("ALTER TABLE sessions DISABLE ROW LEVEL SECURITY")),
        ["no Redis"] = new("H-RED-1", "fail", "does not reach Redis", on => on.Set("REDIS_URL_FILE", on.Running.Write("url", "redis://:p@127.0.0.1:9"))),
        ["Redis for everybody"] = new("H-RED-1", "fail", "unauthenticated PING", on => Command(on, "ACL", "SETUSER", "default", "nopass")),
        ["slow Redis"] = new("H-RED-1", "warn", "sts: the p99 of 20 probes is", on => Redis(on, "sts", url => url.Replace($":{on.Stores!.RedisPort}", $":{on.Keep(new SlowServer(on.Stores.RedisPort, 80)).Port}", StringComparison.Ordinal))),
        ["wrong password at the login"] = new("preflight Redis login", "fail", "sts does not reach Redis", on => Redis(on, "sts", url => url.Replace("@", "x@", StringComparison.Ordinal))),
        ["evicts"] = Configured("maxmemory-policy", "allkeys-lru", "fail"),
        ["in memory"] = Configured("appendonly", "no", "fail"),
        ["does not sync"] = Configured("appendfsync", "no", "warn"),
        ["default user"] = new("H-RED-4", "warn", "Redis' default user", on => on.Set("STS__REDIS_URL_FILE", on.Running.Write("url", on.Stores!.RedisUrl))),
        ["default user may do everything"] = new("H-RED-4", "warn", "default user is on and may run everything", on => on.Running.Write("secrets/redisUrl", on.Stores!.RedisUrl)),
        ["no TLS to Redis"] = new("H-RED-5", "fail", $"redis:// to {Outside}", on => Elsewhere(on, "gatewayRedisUrl"))
        {
            Also = Deployment.IsPublicAddress(Outside) ? ["H-RED-4"] : [], // by what that address happens to be
        },
    };

    private static Pair Configured(string setting, string value, string status) =>
        new("H-RED-3", status, $"{setting} is {value}", on => Command(on, "CONFIG", "SET", setting, value));

    private static void Command(GoodDeployment on, params string[] words) => on.Stores!.CommandAsync(words).GetAwaiter().GetResult();

    private static void Redis(GoodDeployment on, string service, Func<string, string> change) =>
        File.WriteAllText(on.Secret(service + "RedisUrl"), change(File.ReadAllText(on.Secret(service + "RedisUrl"))));

    // An address of this machine that is not loopback: whoever connects to it is refused at once.
    private static void Elsewhere(GoodDeployment on, string secret) =>
        File.WriteAllText(on.Secret(secret), File.ReadAllText(on.Secret(secret)).Replace("127.0.0.1", Outside, StringComparison.Ordinal));
}
