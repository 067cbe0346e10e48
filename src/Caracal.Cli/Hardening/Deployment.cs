using System.Net;
using Caracal.Cli.Environment;
using Caracal.Hosting;
using Caracal.Keys.Secrets;
using Caracal.Stack;
using Caracal.Storage;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.Storage.Sqlite;

namespace Caracal.Cli.Hardening;

/// <summary>What the checks look at: the operator's variables and files, and from there the services and their stores.</summary>
internal sealed class Deployment : IAsyncDisposable
{
    public Deployment(ProcessVariables variables, TimeProvider time)
    {
        Variables = variables;
        Time = time;
        Paths = new CaracalPaths(variables);
        Services = new LiveServices(variables);
        Effective = new EffectiveSettings(this);
    }

    public ProcessVariables Variables { get; }

    public TimeProvider Time { get; }

    public CaracalPaths Paths { get; }

    /// <summary>Rendered compose or Kubernetes objects; null when none were named.</summary>
    public RenderedObjects? Objects { get; init; }

    /// <summary>The one zone that the checks of zones look at; null for all.</summary>
    public string? Zone { get; init; }

    /// <summary>The services, and the console.</summary>
    public IReadOnlyList<string> Roles => StackRoles.All;

    /// <summary>The running services and what they answer.</summary>
    public LiveServices Services { get; }

    /// <summary>Settings as these variables give them and as running services have them.</summary>
    public EffectiveSettings Effective { get; }

    /// <summary>The folder of secret files: the one named, else the one <c>caracal up</c> makes.</summary>
    public string SecretsFolder => Variables["CARACAL_SECRETS_DIR"]
        ?? (Directory.Exists(Paths.InstalledSecrets) ? Paths.InstalledSecrets : Paths.DevelopmentSecrets);

    /// <summary>The variables a service would see.</summary>
    private IReadOnlyDictionary<string, string?> Seen => Variables.WithDefault("CARACAL_SECRETS_DIR", SecretsFolder).All;

    /// <summary>True when state is in the file of one process, so that there is no PostgreSQL and no Redis to look at.</summary>
    public bool IsEmbedded => StackRoles.Services.All(role => Secret(role, "DATABASE_URL", role + "DatabaseUrl") is null
        && Secret(role, "REDIS_URL", role + "RedisUrl") is null);

    public ValueTask DisposeAsync()
    {
        Services.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>A setting as one role reads it: <c>ROLE__NAME</c>, else <c>NAME</c>; null when unset.</summary>
    public string? Setting(string role, string name) => Variables[$"{role.ToUpperInvariant()}__{name}"] ?? Variables[name];

    /// <summary>Null when the word is none of the three.</summary>
    public CaracalMode? Mode(string role) => CaracalModes.TryParse(Setting(role, "CARACAL_MODE"), out var mode) ? mode : null;

    /// <summary>Reads secrets as one role would, with the rules of rc and stable.</summary>
    public SecretSource Secrets(string? role) => new(Seen, role, published: true);

    /// <summary>One secret of one role; null when it is set nowhere.</summary>
    public ResolvedSecret? Secret(string role, string variable, string? fileName = null) => Secrets(role).Find(variable, fileName);

    /// <summary>Where a role's PostgreSQL is; null when nothing says so, and an unreadable address is a fault.</summary>
    public PostgresAddress? DatabaseAddress(string role, Verdict verdict)
    {
        if (Secret(role, "DATABASE_URL", role + "DatabaseUrl") is not { } url) return null;
        try
        {
            return PostgresAddress.Parse(url.Value.Reveal());
        }
        catch (FormatException fault)
        {
            verdict.Fail($"{role}: DATABASE_URL {fault.Message}");
            return null;
        }
    }

    /// <summary>The store as the API sees it, PostgreSQL or the file of the embedded one; null when there is none here.</summary>
    public Database? OpenApiDatabase()
    {
        if (DatabaseAddress(StackRoles.Api, new Verdict()) is { } address)
        {
            return new PostgresDatabase(
                address, new PostgresSettings { Role = ServiceRole.Api, MaximumConnections = 2, MinimumConnections = 0, Instance = "harden" });
        }

        var path = CaracalStack.DatabasePath(Paths.Data);
        return IsEmbedded && File.Exists(path) ? new SqliteDatabase(path, Time) : null;
    }

    /// <summary>A name of this host, or of its private network: loopback, a socket, or a single label (operations.md 2.4).</summary>
    public static bool IsNear(string host) =>
        host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) ? IPAddress.IsLoopback(address) : !host.Contains('.', StringComparison.Ordinal));

    public static bool IsLoopback(string host) =>
        host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    /// <summary>True for an address that the internet routes.</summary>
    public static bool IsPublicAddress(string host) => IPAddress.TryParse(host, out var address)
        && !IPAddress.IsLoopback(address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)
        && !address.IsIPv6LinkLocal && !address.IsIPv6UniqueLocal
        && !(address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork && IsPrivate(address.GetAddressBytes()));

    // RFC 1918, RFC 6598 and link-local.
    private static bool IsPrivate(byte[] ip) =>
        ip[0] == 10 || (ip[0] == 172 && ip[1] is >= 16 and < 32) || (ip[0] == 192 && ip[1] == 168) || (ip[0] == 100 && ip[1] is >= 64 and < 128) || (ip[0] == 169 && ip[1] == 254);
}
