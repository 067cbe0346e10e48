using System.Globalization;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Commands;
using Caracal.Cli.Environment;
using Caracal.Cli.Processes;
using Caracal.Keys.Secrets;
using Caracal.Stack;
using Caracal.Storage.Migrations;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Upkeep;

namespace Caracal.Cli.Servers;

/// <summary>
/// A whole system in separate processes over a PostgreSQL and a Redis of its own: what operators run on many machines,
/// on one. For the benchmark and the fault drills.
/// </summary>
internal sealed class LocalFleet : IAsyncDisposable
{
    public const string DatabaseName = "caracal";

    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(25);

    private LocalFleet(PrivateStack files, LocalPostgres postgres, LocalRedis redis, IReadOnlyList<FleetService> services)
    {
        Files = files;
        Postgres = postgres;
        Redis = redis;
        Services = services;
    }

    public PrivateStack Files { get; }

    public LocalPostgres Postgres { get; }

    public LocalRedis Redis { get; }

    /// <summary>Every process, in the order in which they start.</summary>
    public IReadOnlyList<FleetService> Services { get; }

    /// <summary>Starts everything and returns when every service is ready.</summary>
    /// <param name="replicas">How many STS and how many Gateways; Gateway <c>i</c> asks STS <c>i</c>.</param>
    /// <param name="more">Further variables of every service.</param>
    /// <param name="stop">Ends the start.</param>
    /// <param name="roles">Only these, all of them with that many replicas; null starts every role.</param>
    /// <param name="folder">Where it lives; null takes a temporary folder and removes it at the end.</param>
    /// <param name="lineToSts">Given the address of its STS, the one that a Gateway uses instead.</param>
    public static async Task<LocalFleet> StartAsync(
        int replicas, IReadOnlyDictionary<string, string?> more, CancellationToken stop, IReadOnlyList<string>? roles = null, string? folder = null,
        Func<string, string>? lineToSts = null)
    {
        var files = new PrivateStack(folder, more);
        LocalPostgres? postgres = null;
        LocalRedis? redis = null;
        LocalFleet? fleet = null;
        try
        {
            postgres = await LocalPostgres.CreateAsync(DatabaseName, stop);
            redis = await LocalRedis.CreateAsync(stop);
            await MigrationJob.RunAsync(
                new MigrationJobSettings
                {
                    Administrator = PostgresAddress.Parse(postgres.Url(DatabaseName)),
                    Passwords = ServiceRole.All.ToDictionary(role => role, role => files.Secret(role.PasswordVariable)),
                },
                TimeProvider.System, _ => { }, stop);
            await AdmitAsync(redis, files, stop);
            fleet = new LocalFleet(files, postgres, redis, Plan(files, postgres, redis, replicas, roles, lineToSts ?? (url => url)));
            foreach (var service in fleet.Services) service.Start();
            await fleet.WaitUntilReadyAsync(fleet.Services, stop);
            return fleet;
        }
        catch
        {
            if (fleet is not null) await fleet.DisposeAsync();
            else await EndAsync(files, postgres, redis);
            throw;
        }
    }

    public FleetService Find(string role, int replica = 0) => Services.First(service => service.Role == role && service.Replica == replica);

    /// <summary>Where a client goes that uses the STS and the Gateway of one replica.</summary>
    public WireEndpoints Endpoints(int replica) => new(
        Find(StackRoles.Api).Url, Find(StackRoles.Sts, replica).Url, Find(StackRoles.Coordinator).Url, Find(StackRoles.Gateway, replica).Url);

    /// <summary>Returns when all of them say that they are ready.</summary>
    public async Task WaitUntilReadyAsync(IReadOnlyList<FleetService> services, CancellationToken stop)
    {
        var probes = services.Select(service => new ServiceUrl(service.Name, new Uri(service.Url))).ToList();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(StartTime);
        IReadOnlyList<ProbeResult> failing = [];
        try
        {
            while (true)
            {
                failing = [.. (await ServiceProbe.ProbeAsync(probes, ready: true, limit.Token)).Where(result => !result.Ok)];
                if (failing.Count == 0) return;
                if (services.FirstOrDefault(service => service.HasEnded) is { } ended)
                {
                    throw new CommandFailure($"{ended.Name} ended: {string.Join('\n', File.ReadLines(ended.Log).TakeLast(15))}");
                }

                await Task.Delay(PollInterval, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new CommandFailure(
                $"not ready after {StartTime.TotalSeconds:0} s: {string.Join("; ", failing.Select(result => $"{result.Service.Name} {result.Detail}"))}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        // The door first, the evidence last, as one process does it.
        foreach (var service in Services.Reverse()) await service.DisposeAsync();
        await EndAsync(Files, Postgres, Redis);
    }

    private static async Task EndAsync(PrivateStack files, LocalPostgres? postgres, LocalRedis? redis)
    {
        if (redis is not null) await redis.DisposeAsync();
        if (postgres is not null) await postgres.DisposeAsync();
        files.Dispose();
    }

    // As `caracal provision` does it: topics, groups, and a user per service that may touch its own keys only.
    private static async Task AdmitAsync(LocalRedis redis, PrivateStack files, CancellationToken stop)
    {
        if (!RedisOptions.TryParse(redis.Url, out var administrator, out var fault)) throw new CommandFailure(fault);
        await using var connection = new RedisConnection(administrator);
        await new RedisProvisioning(new RedisStreams(connection)).RunAsync(stop);
        var control = new RedisAccessControl(connection);
        foreach (var user in RedisUser.All) await control.SetAsync(user, files.Secret(user.PasswordVariable), stop);
        if (await control.SaveAsync(stop) is { } reason) throw new CommandFailure($"the users of Redis could not be kept: {reason}");
    }

    private static List<FleetService> Plan(PrivateStack files, LocalPostgres postgres, LocalRedis redis, int replicas, IReadOnlyList<string>? roles, Func<string, string> lineToSts)
    {
        var members = (roles ?? StackRoles.All)
            .SelectMany(role => Enumerable.Range(0, roles is not null || role is StackRoles.Sts or StackRoles.Gateway ? replicas : 1).Select(i => (Role: role, Replica: i)))
            .ToList();
        var urls = members.Zip(FreePorts.Take(members.Count))
            .ToDictionary(pair => pair.First, pair => $"http://127.0.0.1:{pair.Second.ToString(CultureInfo.InvariantCulture)}");
        return [.. members.Select(member => new FleetService(
            member.Role, member.Replica, urls[member], Path.Combine(files.Folder, $"{member.Role}-{member.Replica}.log"), Variables(member)))];

        // Of a role that does not run here nobody is asked anything.
        string Url(string role, int replica) => urls.GetValueOrDefault((role, replica), "http://127.0.0.1:9");

        void Keep(string name, string url) => SecretFolder.WriteOwnerOnly(Path.Combine(files.Secrets, name), System.Text.Encoding.UTF8.GetBytes(url));

        Dictionary<string, string?> Variables((string Role, int Replica) member)
        {
            var home = Path.Combine(files.Folder, $"{member.Role}-{member.Replica}");
            SecretFolder.Prepare(home);
            var variables = new Dictionary<string, string?>(files.Variables, StringComparer.Ordinal)
            {
                ["CARACAL_HOME"] = home,
                [member.Role.ToUpperInvariant() + "__PORT"] = new Uri(urls[member]).Port.ToString(CultureInfo.InvariantCulture),
                ["ISSUER_URL"] = Url(StackRoles.Sts, 0),
                ["STS_URL"] = member.Role == StackRoles.Gateway ? lineToSts(Url(StackRoles.Sts, member.Replica)) : Url(StackRoles.Sts, 0),
                ["CARACAL_GATEWAY_URL"] = Url(StackRoles.Gateway, 0),
                ["CARACAL_COORDINATOR_URL"] = Url(StackRoles.Coordinator, 0),
                ["CARACAL_API_URL"] = Url(StackRoles.Api, 0),
            };
            if (!StackRoles.Services.Contains(member.Role)) return variables;
            var role = ServiceRole.Of(member.Role);
            var user = RedisUser.All.First(known => known.Service == member.Role);

            // In files, as `caracal provision` writes them: they rotate like every other key.
            Keep(member.Role + "DatabaseUrl", postgres.Url(DatabaseName, role.FirstLogin, files.Secret(role.PasswordVariable)));
            Keep(member.Role + "RedisUrl", redis.UrlOf(user.Name, files.Secret(user.PasswordVariable)));
            return variables;
        }
    }
}
