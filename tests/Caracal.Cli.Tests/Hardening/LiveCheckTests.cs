using System.Net;
using System.Text.Json;
using Caracal.Cli.Processes;
using Caracal.Stack;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Resp;
using Caracal.Streams.Tests.Servers;
using Caracal.TestKit;
using Npgsql;

namespace Caracal.Cli.Tests.Hardening;

/// <summary>The checks that ask running services and stores: real ones pass, and each with one fault fails.</summary>
[Collection("users of Redis")] // one server, and each provisioning gives its users other passwords
public sealed class LiveCheckTests(RedisServer redis)
{
    [Fact]
    [Trait("requirement", "R128 (H-MON-2)")]
    [Trait("requirement", "R149 (H-ADM-3)")]
    public async Task Running_services_refuse_every_probe_and_the_doctor_finds_them_well()
    {
        using var files = new PrivateStack(folder: null, new Dictionary<string, string?>());
        await using var stack = await CaracalStack.StartAsync(
            new StackOptions { Variables = files.Variables, DataDirectory = files.Data, Log = TextWriter.Null }, TestContext.Current.CancellationToken);
        using var running = Beside(files);

        foreach (var id in (string[])["H-ENF-1", "H-ENF-2", "H-ENF-3", "H-MON-2", "H-KEY-2", "H-POL-1", "H-ROT-1", "H-ADM-1", "H-ADM-3"])
        {
            Assert.Equal((id, "ok"), (id, (await CheckAsync(running, id)).Status));
        }

        Assert.Contains("nobody collected", (await CheckAsync(running, "H-MON-1")).Detail, StringComparison.Ordinal); // none of these looks counts
        Assert.Equal("fail", (await CheckAsync(running, "H-ADM-2")).Status); // a fresh stack has its bootstrap token only
        var (exit, output, error) = await running.RunAsync("doctor", "--json");
        Assert.Equal("", error);
        using var report = JsonDocument.Parse(output);
        var failed = report.RootElement.GetProperty("checks").EnumerateArray().Where(check => check.GetProperty("status").GetString() == "fail")
            .Select(check => $"{check.GetProperty("check")}: {check.GetProperty("detail")}").ToList();
        Assert.True(exit == 0 || failed.Count > 0);
        Assert.Equal("", string.Join('\n', failed));
        Assert.True(report.RootElement.GetProperty("ready").GetBoolean());
        await stack.StopAsync();
    }

    [Theory]
    [Trait("requirement", "R124 (H-ENF-1)")]
    [Trait("requirement", "R125 (H-ENF-2)")]
    [InlineData("H-ENF-1", "sts answers a bad secret with 200")]
    [InlineData("H-ENF-2", "gateway answers no bearer with 200")]
    [InlineData("H-ENF-3", "api answers no token with 200")]
    [InlineData("H-MON-1", "answers 200 without a token")]
    public async Task A_service_that_answers_everybody_fails(string id, string says)
    {
        var port = FreePorts.Take(1)[0];
        using var yes = new HttpListener();
        yes.Prefixes.Add($"http://127.0.0.1:{port}/");
        yes.Start();
        var serving = Task.Run(async () =>
        {
            while (yes.IsListening)
            {
                try
                {
                    (await yes.GetContextAsync()).Response.Close();
                }
                catch (Exception fault) when (fault is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }
            }
        }, TestContext.Current.CancellationToken);
        using var deployment = new GoodDeployment();
        Assert.False((await deployment.CheckAsync(id)).Evaluated); // nothing listens there yet
        foreach (var name in (string[])["API", "STS", "GATEWAY", "AUDIT", "COORDINATOR"]) deployment.Set($"CARACAL_{name}_URL", $"http://127.0.0.1:{port}");

        var found = await deployment.CheckAsync(id);

        Assert.Equal("fail", found.Status);
        Assert.Contains(says, found.Detail, StringComparison.Ordinal);
        yes.Stop();
        await serving;
    }

    [Fact]
    public async Task Doctor_without_services_is_not_ready_and_says_who_is_missing()
    {
        using var deployment = new GoodDeployment();
        var (exit, output, _) = await deployment.Running.RunAsync("doctor");
        Assert.Equal(1, exit);
        Assert.Contains("fail  gateway: gateway does not answer", output, StringComparison.Ordinal);
        Assert.Equal(0, (await deployment.Running.RunAsync("doctor", "--preflight-only")).Exit);
        File.Delete(deployment.Secret("zoneKek"));
        Assert.Contains("ZONE_KEK is required", (await deployment.Running.RunAsync("doctor", "--preflight-only")).Output, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("requirement", "R84")]
    [Trait("requirement", "R90")]
    [Trait("requirement", "R107")]
    public async Task Provisioned_stores_pass_and_drifted_ones_fail()
    {
        var server = await PostgresServer.GetAsync();
        var database = $"harden_{Guid.NewGuid():N}";
        using var running = new Running(("CARACAL_MODE", "dev"));
        running.Set("CARACAL_SECRETS_DIR", Path.Combine(running.Home, "secrets"));
        running.Set("DATABASE_URL", $"postgres://postgres:{PostgresServer.Password}@127.0.0.1:{server.Port}/{database}?sslmode=disable");
        running.Set("REDIS_URL", $"redis://:{RedisServer.Password}@127.0.0.1:{redis.Port}");
        Assert.Equal(0, (await running.RunAsync("provision")).Exit);
        Assert.Contains("superuser", (await CheckAsync(running, "H-PG-2")).Detail, StringComparison.Ordinal);
        Assert.Equal("warn", (await CheckAsync(running, "H-RED-4")).Status);
        running.Set("DATABASE_URL", null);
        running.Set("REDIS_URL", null);
        foreach (var id in (string[])["H-PG-1", "H-PG-2", "H-PG-3", "H-RED-4"])
        {
            var good = await CheckAsync(running, id);
            Assert.True(good.Status == "ok", $"{id}: {good.Detail}");
        }

        await using (var owner = new NpgsqlConnection(server.ConnectionString(database)))
        {
            await owner.OpenAsync(TestContext.Current.CancellationToken);
            await using var drift = new NpgsqlCommand(
                "GRANT DELETE ON audit_events TO caracalaudit; ALTER TABLE sessions DISABLE ROW LEVEL SECURITY", owner);
            await drift.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        var drifted = await CheckAsync(running, "H-PG-3");
        Assert.Equal("fail", drifted.Status);
        Assert.Contains("audit may DELETE public.audit_events", drifted.Detail, StringComparison.Ordinal);
        Assert.Contains("row-level security is off on sessions", drifted.Detail, StringComparison.Ordinal);
        await server.DropDatabaseAsync(database);
    }

    [Theory]
    [InlineData("maxmemory-policy", "noeviction", "allkeys-lru", "fail")]
    [InlineData("appendonly", "yes", "no", "fail")]
    [InlineData("appendfsync", "everysec", "no", "warn")]
    public async Task Redis_that_may_lose_something_fails(string setting, string good, string bad, string status)
    {
        using var running = new Running();
        running.Set("REDIS_URL_FILE", running.Write("url", $"redis://:{RedisServer.Password}@127.0.0.1:{redis.Port}"));
        Assert.True(RedisOptions.TryParse($"redis://:{RedisServer.Password}@127.0.0.1:{redis.Port}", out var options, out _));
        await using var connection = new RedisConnection(options);
        foreach (var (name, value) in new[] { ("maxmemory-policy", "noeviction"), ("appendonly", "yes"), ("appendfsync", "everysec") }) await SetAsync(name, value);
        Assert.Equal("ok", (await CheckAsync(running, "H-RED-3")).Status);

        await SetAsync(setting, bad);
        var found = await CheckAsync(running, "H-RED-3");
        await SetAsync(setting, good);

        Assert.Equal(status, found.Status);
        Assert.Contains($"{setting} is {bad}", found.Detail, StringComparison.Ordinal);

        async Task SetAsync(string name, string value) =>
            Assert.NotEqual(RespKind.Error, (await connection.ExecuteAsync(["CONFIG", "SET", name, value], default)).Kind);
    }

    private static Running Beside(PrivateStack files)
    {
        var running = new Running([.. files.Variables.Select(pair => (pair.Key, pair.Value))]);
        foreach (var name in (string[])["api", "sts", "gateway", "audit", "coordinator"]) running.Set($"CARACAL_{name.ToUpperInvariant()}_URL", files.Urls[name]);
        return running;
    }

    private static async Task<(string Status, string Detail)> CheckAsync(Running running, string id)
    {
        var (_, output, error) = await running.RunAsync("harden", "--only", id, "--json");
        Assert.Equal("", error);
        using var report = JsonDocument.Parse(output);
        var check = Assert.Single(report.RootElement.GetProperty("checks").EnumerateArray());
        return (check.GetProperty("status").GetString()!, check.GetProperty("detail").GetString()!);
    }
}
