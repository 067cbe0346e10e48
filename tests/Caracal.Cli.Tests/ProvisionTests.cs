using Caracal.Cli.Client;
using Caracal.Cli.Processes;
using Caracal.Stack;
using Caracal.Storage.Privileges;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Resp;
using Caracal.Streams.Redis.Upkeep;
using Caracal.Streams.Tests.Servers;
using Caracal.TestKit;

namespace Caracal.Cli.Tests;

/// <summary><c>caracal migrate</c>, <c>provision</c> and <c>migrate-store</c> on real servers.</summary>
[Collection("users of Redis")] // one server, and each provisioning gives its users other passwords
public sealed class ProvisionTests(RedisServer redis)
{
    [Fact]
    public async Task Makes_empty_servers_ready_and_changes_nothing_the_second_time()
    {
        using var running = await NewAsync();
        var (exit, output, error) = await running.RunAsync("provision");
        Assert.Equal((0, ""), (exit, error));
        Assert.Contains("created the database", output, StringComparison.Ordinal);
        foreach (var role in ServiceRole.All)
        {
            Assert.Contains($"{role.FirstLogin} enters PostgreSQL", output, StringComparison.Ordinal);
            Assert.Contains($"caracal-{role} enters Redis", output, StringComparison.Ordinal);
            var password = File.ReadAllText(Path.Combine(running.Home, "secrets", $"{role}DbPassword"));
            Assert.DoesNotContain(password, output, StringComparison.Ordinal);
            var url = Path.Combine(running.Home, "secrets", $"{role}DatabaseUrl");
            Assert.Contains(password, File.ReadAllText(url), StringComparison.Ordinal);
            if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(url));
        }

        var before = Snapshot(running);
        var again = await running.RunAsync("provision");
        Assert.Equal((0, ""), (again.Exit, again.Error));
        Assert.DoesNotContain("generated", again.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("wrote", again.Output, StringComparison.Ordinal);
        Assert.Contains("the schema is up to date", again.Output, StringComparison.Ordinal);
        Assert.Equal(before, Snapshot(running));
    }

    [Fact]
    [Trait("requirement", "R84")]
    public async Task A_service_enters_Redis_for_its_own_keys_only()
    {
        using var running = await NewAsync();
        Assert.Equal(0, (await running.RunAsync("provision")).Exit);
        foreach (var (service, allowed, refused) in new (string, string[][], string[][])[]
        {
            ("gateway",
                [["SET", "seen:jti:x", "1", "NX", "PX", "1000"], ["XADD", "caracal.audit.events", "*", "a", "1"], ["XLEN", "caracal.sessions.revoke"]],
                [["GET", "coordinator:x"], ["XADD", "caracal.policy.invalidate", "*", "a", "1"], ["DEL", "audit:jti:x"], ["FLUSHALL"], ["CONFIG", "SET", "maxmemory", "1"], ["KEYS", "*"], ["ACL", "LIST"]]),
            ("audit",
                [["XADD", "caracal.audit.events.dlq", "*", "a", "1"], ["INCR", "audit-deliveries:1"]],
                [["SET", "seen:jti:x", "1"], ["XADD", "caracal.sessions.revoke", "*", "a", "1"]]),
            ("coordinator",
                [["XADD", "caracal.sessions.revoke", "*", "a", "1"], ["SET", "coordinator:x", "1", "PX", "1000"], ["TIME"]],
                [["SET", "caracal:sts:gw-nonce:x", "1"], ["XADD", "caracal.audit.events.dlq", "*", "a", "1"]]),
        })
        {
            var url = File.ReadAllText(Path.Combine(running.Home, "secrets", service + "RedisUrl"));
            Assert.True(RedisOptions.TryParse(url, out var options, out _));
            await using var connection = new RedisConnection(options);
            foreach (var command in allowed)
            {
                var reply = await connection.ExecuteAsync(command, default);
                Assert.False(reply.Kind == RespKind.Error, $"{service}: {string.Join(' ', command)}: {reply.Text}");
            }

            foreach (var command in refused)
            {
                var reply = await connection.ExecuteAsync(command, default);
                Assert.True(reply.Kind == RespKind.Error && reply.Text!.StartsWith("NOPERM", StringComparison.Ordinal), $"{service}: {string.Join(' ', command)}");
            }
        }
    }

    [Fact]
    [Trait("requirement", "R32")]
    public async Task Verifies_a_provisioned_Redis_and_names_what_is_wrong_with_another()
    {
        using var running = await NewAsync();
        var nothing = await running.RunAsync("redis", "verify");
        Assert.Equal(1, nothing.Exit);
        Assert.Equal(0, (await running.RunAsync("provision")).Exit);
        Assert.True(RedisOptions.TryParse($"redis://:{RedisServer.Password}@127.0.0.1:{redis.Port}", out var options, out _));
        await using var administrator = new RedisConnection(options);
        await administrator.ExecuteAsync(["CONFIG", "SET", "appendonly", "yes"], default);
        await administrator.ExecuteAsync(["CONFIG", "SET", "maxmemory-policy", "noeviction"], default);
        var good = await running.RunAsync("redis", "verify");
        Assert.Equal((0, ""), (good.Exit, good.Error));
        Assert.Contains("caracal-sts touches its own keys only", good.Output, StringComparison.Ordinal);

        await administrator.ExecuteAsync(["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"], default);
        await administrator.ExecuteAsync(["XGROUP", "DESTROY", "caracal.audit.events", "siem-export"], default);
        await administrator.ExecuteAsync(["ACL", "SETUSER", "caracal-gateway", "allkeys"], default);
        var bad = await running.RunAsync("redis", "verify");
        await administrator.ExecuteAsync(["CONFIG", "SET", "maxmemory-policy", "noeviction"], default);
        Assert.Equal(1, bad.Exit);
        Assert.Contains("maxmemory-policy is noeviction: it is allkeys-lru", bad.Error, StringComparison.Ordinal);
        Assert.Contains("caracal.audit.events has the group siem-export: it is missing", bad.Error, StringComparison.Ordinal);
        Assert.Contains("caracal-gateway touches its own keys only: it may touch", bad.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_service_has_a_user_and_its_password_a_variable() =>
        Assert.Equal(
            ServiceRole.All.Select(role => (role.Name, $"CARACAL_{role.Name.ToUpperInvariant()}_REDIS_PASSWORD")).Order(),
            RedisUser.All.Select(user => (user.Service, user.PasswordVariable)).Order());

    [Fact]
    public async Task Names_every_missing_password_before_it_touches_anything()
    {
        using var running = await NewAsync(("CARACAL_SECRETS_DIR", null), ("CARACAL_STS_DB_PASSWORD", "a-password-of-the-sts-1"));
        var (exit, output, error) = await running.RunAsync("provision");
        Assert.Equal((1, ""), (exit, output));
        Assert.Contains("CARACAL_API_DB_PASSWORD", error, StringComparison.Ordinal);
        Assert.Contains("CARACAL_AUDIT_REDIS_PASSWORD", error, StringComparison.Ordinal);
        Assert.DoesNotContain("CARACAL_STS_DB_PASSWORD", error, StringComparison.Ordinal);
        Assert.Equal(1, (await running.RunAsync("migrate", "--check")).Exit); // there is no such database
    }

    [Theory]
    [InlineData("postgres://u:top-secret@db.example.com/d", "sslmode")]
    [InlineData("postgres://u:top-secret@db/d?ssl=1", "parameter 'ssl'")]
    [InlineData("http://u:top-secret@db/d", "postgres://")]
    public async Task Refuses_an_address_it_must_not_use_without_repeating_it(string url, string reason)
    {
        using var running = new Running(("DATABASE_URL", url));
        var (exit, output, error) = await running.RunAsync("migrate");
        Assert.Equal((1, ""), (exit, output));
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.DoesNotContain("top-secret", error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("requirement", "R32")]
    public async Task Checks_then_migrates_then_has_nothing_left_to_do()
    {
        using var running = await NewAsync();
        var server = await PostgresServer.GetAsync();
        using var there = new Running(
            ("PGHOST", "127.0.0.1"), ("PGPORT", $"{server.Port}"), ("PGUSER", "postgres"), ("PGDATABASE", await server.CreateDatabaseAsync()),
            ("PGPASSWORD_FILE", running.Write("password", PostgresServer.Password + "\n")), ("CARACAL_MODE", "dev"));
        var check = await there.RunAsync("migrate", "--check");
        Assert.Equal(1, check.Exit);
        Assert.Contains("missing  0001_baseline", check.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await there.RunAsync("migrate")).Exit);
        Assert.Equal(0, (await there.RunAsync("migrate", "--check")).Exit);
        Assert.Equal(1, (await there.RunAsync("migrate", "--chekc")).Exit);
    }

    [Fact]
    public async Task Moves_an_embedded_store_with_its_ledgers_and_refuses_to_move_it_twice()
    {
        using var embedded = new PrivateStack(folder: null, new Dictionary<string, string?>());
        var stop = new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token;
        await using (var stack = await StartAsync(embedded, stop))
        {
            using var client = new WireClient(WireEndpoints.From(stack.Urls));
            await GovernedZone.CreateAsync(client, embedded.AdminToken, new ZoneBlueprint { Name = "Moved", UpstreamUrl = "http://127.0.0.1:9", ApiKey = "key" }, stop);
            using var busy = await RunningOn(embedded);
            var (early, _, told) = await busy.RunAsync("migrate-store", "--data", embedded.Data);
            Assert.Equal(1, early);
            Assert.Contains("stop it with caracal down", told, StringComparison.Ordinal);
            await stack.StopAsync();
        }

        using var running = await RunningOn(embedded);
        Assert.Equal(0, (await running.RunAsync("provision", "--skip-redis")).Exit);
        var (exit, output, error) = await running.RunAsync("migrate-store", "--data", embedded.Data);
        Assert.Equal((0, ""), (exit, error));
        Assert.Contains("events verified: every content hash, link and MAC holds", output, StringComparison.Ordinal);
        Assert.Contains("the move is complete", output, StringComparison.Ordinal);
        var again = await running.RunAsync("migrate-store", "--data", embedded.Data);
        Assert.Equal(1, again.Exit);
        Assert.Contains("not empty", again.Error, StringComparison.Ordinal);
    }

    private static Task<CaracalStack> StartAsync(PrivateStack files, CancellationToken stop) => CaracalStack.StartAsync(
        new StackOptions { Variables = files.Variables, DataDirectory = files.Data, Log = TextWriter.Null }, stop);

    private async Task<Running> RunningOn(PrivateStack embedded) => await NewAsync(("CARACAL_SECRETS_DIR", Path.Combine(embedded.Folder, "secrets")));

    private async Task<Running> NewAsync(params (string Name, string? Value)[] more)
    {
        var server = await PostgresServer.GetAsync();
        var running = new Running(
        [
            ("CARACAL_MODE", "dev"),
            ("DATABASE_URL", $"postgres://postgres:{PostgresServer.Password}@127.0.0.1:{server.Port}/new_{Guid.NewGuid():N}?sslmode=disable"),
            ("REDIS_URL", $"redis://:{RedisServer.Password}@127.0.0.1:{redis.Port}"),
        ]);
        running.Set("CARACAL_SECRETS_DIR", Path.Combine(running.Home, "secrets"));
        foreach (var (name, value) in more) running.Set(name, value);
        return running;
    }

    private static string Snapshot(Running running) => string.Join('\n', Directory.GetFiles(Path.Combine(running.Home, "secrets")).Order()
        .Select(path => $"{path} {File.ReadAllText(path)} {File.GetLastWriteTimeUtc(path):O}"));
}
