using System.Collections.Concurrent;
using System.Data.Common;
using System.Text.Json;
using Caracal.Cli.Backups;
using Caracal.Cli.Client;
using Caracal.Cli.Processes;
using Caracal.Stack;
using Caracal.Storage.Sqlite;
using Caracal.Streams.Tests.Servers;
using Caracal.TestKit;
using Dapper;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Caracal.Cli.Tests.Backups;

/// <summary>A backup that was taken under load, brought back on either engine.</summary>
[Collection("users of Redis")] // one server, and each provisioning gives its users other passwords
public sealed class RestoreTests(RedisServer redis) : IDisposable
{
    private static readonly string[] Scopes = ["pipernet:read"];
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(3));
    private readonly PrivateStack _files = new(folder: null, new Dictionary<string, string?>());

    private CancellationToken Stop => _limit.Token;

    public void Dispose()
    {
        _files.Dispose();
        _limit.Dispose();
    }

    [Theory]
    [Trait("requirement", "R130")]
    [InlineData("sqlite")]
    [InlineData("postgresql")]
    public async Task What_was_revoked_stays_revoked_tokens_mint_and_the_ledger_verifies(string engine)
    {
        using var operations = await OperationsAsync(engine);
        await using var upstream = await LoopbackUpstream.StartAsync(remember: false, Stop);
        AgentApplication before;
        AgentAuthority revoked, alive;
        string spentLater, bundle;
        await using (var stack = await StartAsync())
        {
            using var wire = new WireClient(WireEndpoints.From(stack.Urls));
            var zone = await GovernedZone.CreateAsync(
                wire, _files.AdminToken, new ZoneBlueprint { Name = "Restored", UpstreamUrl = upstream.Url, ApiKey = "key", Scopes = ["pipernet:read", "pipernet:write"] }, Stop);
            before = new AgentApplication(wire, zone);
            (revoked, alive) = (await before.ProvisionAsync(Scopes, depth: 1, Stop), await before.ProvisionAsync(Scopes, depth: 1, Stop));
            spentLater = (await before.MintAsync(alive, Scopes[0], Stop)).Require("mint")["access_token"];
            bundle = await BackUpUnderLoadAsync(operations, wire, before, alive);
            var killed = await wire.ApiAsync(
                HttpMethod.Post, $"/v1/zones/{zone.ZoneId}/kill-switch", _files.AdminToken, JsonSerializer.Serialize(new { session_id = revoked.SessionId }), Stop);
            Assert.True(killed.IsSuccess, killed.Text);
            Assert.False((await before.MintAsync(revoked, Scopes[0], Stop)).IsSuccess);
            await stack.StopAsync();
        }

        await RestoreAsync(operations, engine, bundle);

        await using var restored = await StartAsync();
        using var again = new WireClient(WireEndpoints.From(restored.Urls));
        var after = new AgentApplication(again, before.Zone);
        Assert.False((await after.MintAsync(revoked, Scopes[0], Stop)).IsSuccess);
        Assert.False((await after.MintAsync(alive, Scopes[0], Stop)).IsSuccess); // nobody can tell the two apart
        Assert.False((await again.GovernedAsync(HttpMethod.Get, "/reports", spentLater, before.Zone.Blueprint.Resource, Stop)).IsSuccess);
        var denied = await Assert.ThrowsAsync<WireException>(() => after.ProvisionAsync(Scopes, depth: 1, Stop)); // policy may have been tightened since
        Assert.Contains("no_active_policy_set", denied.Message, StringComparison.Ordinal);
        await ActivateAgainAsync(again, before.Zone.ZoneId);
        var fresh = await after.ProvisionAsync(Scopes, depth: 1, Stop);
        var mandate = (await after.MintAsync(fresh, Scopes[0], Stop)).Require("mint")["access_token"];
        var call = await again.GovernedAsync(HttpMethod.Get, "/reports", mandate, before.Zone.Blueprint.Resource, Stop);
        Assert.True(call.IsSuccess, call.Text);
        await restored.StopAsync();

        Assert.Equal(0, (await operations.RunAsync("audit", "verify", "--data", _files.Data)).Exit);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgresql")]
    public async Task A_restore_that_stops_before_authority_has_ended_leaves_no_store(string engine)
    {
        using var operations = await OperationsAsync(engine);
        await using (var stack = await StartAsync())
        {
            using var wire = new WireClient(WireEndpoints.From(stack.Urls));
            await GovernedZone.CreateAsync(wire, _files.AdminToken, new ZoneBlueprint { Name = "Half", UpstreamUrl = "http://127.0.0.1:9", ApiKey = "key" }, Stop);
            await stack.StopAsync();
        }

        // The last change of all refuses.
        const string Sqlite = "CREATE TRIGGER stopped BEFORE INSERT ON delegation_graph_epochs BEGIN SELECT RAISE(ABORT, 'stopped here'); END";
        const string Postgres = """
            CREATE FUNCTION stopped() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stopped here'; END $$;
            CREATE TRIGGER stopped BEFORE INSERT ON delegation_graph_epochs FOR EACH ROW EXECUTE FUNCTION stopped()
            """;
        if (engine == "sqlite") await ExecuteAsync(new SqliteConnection($"Data Source={CaracalStack.DatabasePath(_files.Data)};Pooling=False"), Sqlite);
        var bundle = await BackUpAsync(operations);
        var elsewhere = Path.Combine(operations.Home, "elsewhere");
        var half = $"backup_half_{Guid.NewGuid():N}";
        if (engine == "postgresql")
        {
            var was = new Uri(operations.Variables["DATABASE_URL"]!).AbsolutePath.Trim('/');
            operations.Set("DATABASE_URL", operations.Variables["DATABASE_URL"]!.Replace(was, half, StringComparison.Ordinal));
            Assert.Equal(0, (await operations.RunAsync("provision", "--skip-redis")).Exit);
            await ExecuteAsync(await HalfAsync(), Postgres);
        }

        var (exit, _, error) = await operations.RunAsync("restore", bundle, "--confirm", "--data", elsewhere);
        Assert.Equal(1, exit);
        Assert.Contains("stopped here", error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));
        if (engine == "postgresql") Assert.Equal(0L, await ExecuteAsync(await HalfAsync(), "SELECT count(*) FROM zones"));

        async Task<NpgsqlConnection> HalfAsync() => new((await PostgresServer.GetAsync()).ConnectionString(half));
    }

    [Fact]
    public async Task A_restore_without_the_key_or_of_a_changed_file_touches_nothing()
    {
        using var operations = await OperationsAsync("sqlite");
        await using (var stack = await StartAsync())
        {
            using var wire = new WireClient(WireEndpoints.From(stack.Urls));
            await GovernedZone.CreateAsync(wire, _files.AdminToken, new ZoneBlueprint { Name = "Kept", UpstreamUrl = "http://127.0.0.1:9", ApiKey = "key" }, Stop);
            Assert.Contains("a stack runs on this folder", (await operations.RunAsync("restore", await BackUpAsync(operations), "--confirm", "--data", _files.Data)).Error, StringComparison.Ordinal);
            await stack.StopAsync();
        }

        var bundle = BackupBundle.In(BackupCommand.Folder(new Caracal.Cli.Environment.CaracalPaths(operations.Variables)))[^1];
        var elsewhere = Path.Combine(operations.Home, "elsewhere");
        Assert.Contains("add --confirm", (await operations.RunAsync("restore", bundle, "--data", elsewhere)).Error, StringComparison.Ordinal);
        Assert.Contains("--replace keeps it aside", (await operations.RunAsync("restore", bundle, "--confirm", "--data", _files.Data)).Error, StringComparison.Ordinal);

        using var keyless = new Running(("CARACAL_MODE", "dev"), ("CARACAL_SECRETS_DIR", Path.Combine(operations.Home, "no-secrets")));
        Assert.Contains("ZONE_KEK is required", (await keyless.RunAsync("restore", bundle, "--confirm", "--data", elsewhere)).Error, StringComparison.Ordinal);
        keyless.Set("ZONE_KEK", System.Security.Cryptography.RandomNumberGenerator.GetHexString(64, lowercase: true));
        Assert.Contains("which is not among the keys here", (await keyless.RunAsync("restore", bundle, "--confirm", "--data", elsewhere)).Error, StringComparison.Ordinal);

        var changed = File.ReadAllBytes(bundle);
        changed[^1000] ^= 1;
        var damaged = Path.Combine(operations.Home, "changed");
        File.WriteAllBytes(damaged, changed);
        Assert.Contains("was changed", (await operations.RunAsync("restore", damaged, "--confirm", "--data", elsewhere)).Error, StringComparison.Ordinal);
        Assert.False(File.Exists(CaracalStack.DatabasePath(elsewhere)));
        Directory.CreateDirectory(Path.Combine(elsewhere, ".restore-killed"));
        Assert.Equal(0, (await operations.RunAsync("restore", bundle, "--confirm", "--data", elsewhere)).Exit);
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere, ".restore-*"));
    }

    [Fact]
    public async Task What_the_ledger_refused_comes_back_too()
    {
        using var operations = await OperationsAsync("sqlite");
        await using (var stack = await StartAsync()) await stack.StopAsync();
        var refused = Path.Combine(CaracalStack.DeadLetterPath(_files.Data), "1-0.json");
        await File.WriteAllTextAsync(refused, """[["reason","no"]]""", Stop); // the stack has made the folder
        var bundle = await BackUpAsync(operations);

        var elsewhere = Path.Combine(operations.Home, "elsewhere");
        Assert.Equal(0, (await operations.RunAsync("restore", bundle, "--confirm", "--data", elsewhere)).Exit);
        var back = Path.Combine(CaracalStack.DeadLetterPath(elsewhere), "1-0.json");
        Assert.Equal("""[["reason","no"]]""", await File.ReadAllTextAsync(back, Stop));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(back));
    }

    [Fact]
    public async Task Nothing_unsealed_is_ever_where_bundles_lie_and_what_a_killed_run_left_is_removed()
    {
        using var operations = await OperationsAsync("sqlite");
        await using (var stack = await StartAsync()) await stack.StopAsync();
        var share = Path.Combine(operations.Home, "share");
        var killed = new[] { share, operations.Home }.Select(parent => Path.Combine(parent, ".staging-killed")).ToList();
        foreach (var folder in killed) File.WriteAllText(Path.Combine(Directory.CreateDirectory(folder).FullName, "caracal.db"), "unsealed");
        using var running = new StagingFolder(operations.Home, StagingFolder.Backup);
        using var watcher = new FileSystemWatcher(share) { IncludeSubdirectories = true };
        var seen = new ConcurrentQueue<string>();
        var whole = new TaskCompletionSource();
        watcher.Created += (_, change) => seen.Enqueue(change.Name!);
        watcher.Renamed += (_, _) => whole.TrySetResult();
        watcher.EnableRaisingEvents = true;
        await BackUpAsync(operations, "--out", share);
        await whole.Task.WaitAsync(Stop);
        Assert.EndsWith(".unfinished", Assert.Single(seen, name => !name.EndsWith(".lock", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.All(killed, folder => Assert.False(Directory.Exists(folder)));
        Assert.True(Directory.Exists(running.Path)); // of another run that goes on
        Assert.Single(Directory.GetDirectories(operations.Home, ".staging-*"));
    }

    [Fact]
    [Trait("requirement", "R121 (H-BAK-2)")]
    public async Task Backups_are_read_back_kept_in_number_drilled_and_looked_at_by_harden()
    {
        using var operations = await OperationsAsync("sqlite");
        await using (var stack = await StartAsync()) await stack.StopAsync();
        Assert.Equal("warn", await HardenAsync(operations, "H-BAK-1")); // none is seen here
        Assert.Equal("warn", await HardenAsync(operations, "H-BAK-3"));
        Assert.NotEqual(0, (await operations.RunAsync("drill", "restore")).Exit);
        for (var i = 0; i < 3; i++)
        {
            await BackUpAsync(operations, "--keep", "2");
            await Task.Delay(1100, Stop); // names have seconds
        }

        Assert.Equal(2, BackupBundle.In(BackupCommand.Folder(new Caracal.Cli.Environment.CaracalPaths(operations.Variables))).Count);
        Assert.Equal("ok", await HardenAsync(operations, "H-BAK-1"));
        Assert.Equal("ok", await HardenAsync(operations, "H-BAK-2"));
        Directory.CreateSymbolicLink(Path.Combine(operations.Home, "data"), _files.Data);
        var (exit, output, _) = await operations.RunAsync("drill", "restore", "--json");
        Assert.True(exit == 0, output);
        Assert.Equal(0, JsonDocument.Parse(output).RootElement.GetProperty("still_alive").GetInt64());
        Assert.Equal("ok", await HardenAsync(operations, "H-BAK-3"));
        var lines = Path.Combine(operations.Home, "drills.jsonl");
        await File.AppendAllTextAsync(lines, "{\"at\":\"20", Stop); // of a disk that was full
        Assert.Equal("ok", await HardenAsync(operations, "H-BAK-3"));

        // One that cannot be brought back has failed the drill, here and in the store.
        var damaged = Path.Combine(operations.Home, "damaged");
        await File.WriteAllBytesAsync(damaged, (await File.ReadAllBytesAsync(BackupBundle.In(BackupCommand.Folder(new Caracal.Cli.Environment.CaracalPaths(operations.Variables)))[^1], Stop))[..^100], Stop);
        var passed = await File.ReadAllTextAsync(lines, Stop);
        Assert.NotEqual(0, (await operations.RunAsync("drill", "restore", damaged)).Exit);
        Assert.Equal("warn", await HardenAsync(operations, "H-BAK-3"));
        await File.WriteAllTextAsync(lines, passed, Stop);
        Assert.Equal("warn", await HardenAsync(operations, "H-BAK-3")); // the store knows of a later one
        await Task.Delay(1100, Stop); // lines have seconds
        Assert.Equal(0, (await operations.RunAsync("drill", "restore")).Exit);
        Assert.Equal("ok", await HardenAsync(operations, "H-BAK-3"));
        File.Delete(lines);
        Assert.Equal("ok", await HardenAsync(operations, "H-BAK-3")); // the store remembers it as well

        operations.Set("CARACAL_SECRETS_DIR", Path.Combine(operations.Home, "other"));
        operations.Set("ZONE_KEK", System.Security.Cryptography.RandomNumberGenerator.GetHexString(64, lowercase: true));
        Assert.Equal("fail", await HardenAsync(operations, "H-BAK-2")); // a backup nobody can open
    }

    [Fact]
    public async Task A_drill_verifies_the_newest_export_and_compares_it_with_what_was_restored()
    {
        using var operations = await OperationsAsync("sqlite");
        await using (var stack = await StartAsync())
        {
            using var wire = new WireClient(WireEndpoints.From(stack.Urls));
            var zone = await GovernedZone.CreateAsync(wire, _files.AdminToken, new ZoneBlueprint { Name = "Exported", UpstreamUrl = "http://127.0.0.1:9", ApiKey = "key", Scopes = ["pipernet:read", "pipernet:write"] }, Stop);
            var application = new AgentApplication(wire, zone);
            (await application.MintAsync(await application.ProvisionAsync(Scopes, depth: 1, Stop), Scopes[0], Stop)).Require("mint");
            await stack.StopAsync();
        }

        await ChangeAsync($"UPDATE audit_events SET ingested_at = ingested_at - {TimeSpan.FromHours(3).TotalMicroseconds:F0}");
        var export = Path.Combine(operations.Home, "export");
        Assert.Equal(0, (await operations.RunAsync("audit", "export", "--to", export, "--data", _files.Data)).Exit);
        await BackUpAsync(operations);

        Assert.Equal(JsonValueKind.Null, (await DrillAsync(0)).ValueKind);
        var proven = await DrillAsync(0, "--export", export);
        Assert.True(proven.GetProperty("ok").GetBoolean());
        Assert.True(proven.GetProperty("events").GetInt64() > 0);
        operations.Set("AUDIT_EXPORT_DIR", export);
        Assert.True((await DrillAsync(0)).GetProperty("ok").GetBoolean());

        // Rows that the export has otherwise, and an export that is not what its manifest says.
        await ChangeAsync("UPDATE audit_events SET content_sha256 = 'x' WHERE chain_seq = (SELECT max(chain_seq) FROM audit_events)");
        await Task.Delay(1100, Stop); // names of backups have seconds
        await BackUpAsync(operations);
        Assert.Contains("another row", (await DrillAsync(1)).GetProperty("findings")[0].GetString(), StringComparison.Ordinal);
        var rows = Assert.Single(Directory.GetFiles(export, "*.parquet", SearchOption.AllDirectories));
        await File.WriteAllBytesAsync(rows, (await File.ReadAllBytesAsync(rows, Stop))[..^1], Stop);
        Assert.Contains("object_mismatch", (await DrillAsync(1)).GetProperty("findings")[0].GetString(), StringComparison.Ordinal);
        operations.Set("AUDIT_EXPORT_DIR", Path.Combine(operations.Home, "nothing"));
        Assert.False((await DrillAsync(1)).GetProperty("ok").GetBoolean());

        async Task<JsonElement> DrillAsync(int expected, params string[] more)
        {
            var (exit, output, error) = await operations.RunAsync(["drill", "restore", "--json", .. more]);
            Assert.True(exit == expected, output + error);
            return JsonDocument.Parse(output).RootElement.GetProperty("export");
        }
    }

    private async Task ChangeAsync(string sql)
    {
        await using var store = new SqliteDatabase(CaracalStack.DatabasePath(_files.Data), TimeProvider.System);
        await store.WriteAsync(work => work.Connection.ExecuteAsync(sql), Stop);
    }

    private async Task<string> BackUpUnderLoadAsync(Running operations, WireClient wire, AgentApplication application, AgentAuthority authority)
    {
        using var loaded = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var calls = 0;
        var load = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!loaded.IsCancellationRequested)
            {
                var minted = await application.MintAsync(authority, Scopes[0], Stop);
                if (!minted.IsSuccess) continue;
                await wire.GovernedAsync(HttpMethod.Get, "/reports", minted["access_token"], application.Zone.Blueprint.Resource, Stop);
                Interlocked.Increment(ref calls);
            }
        }, Stop)).ToList();
        while (Volatile.Read(ref calls) < 50) await Task.Delay(10, Stop);
        var bundle = await BackUpAsync(operations);
        var then = Volatile.Read(ref calls);
        while (Volatile.Read(ref calls) < then + 50) await Task.Delay(10, Stop);
        await loaded.CancelAsync();
        await Task.WhenAll(load);
        return bundle;
    }

    private async Task<string> BackUpAsync(Running operations, params string[] more)
    {
        var (exit, output, error) = await operations.RunAsync(["backup", "--data", _files.Data, "--json", .. more]);
        Assert.True(exit == 0, error);
        var path = JsonDocument.Parse(output).RootElement.GetProperty("path").GetString()!;
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        return path;
    }

    private async Task RestoreAsync(Running operations, string engine, string bundle)
    {
        if (engine == "postgresql")
        {
            Assert.Contains("restore into a new one", (await operations.RunAsync("restore", bundle, "--confirm", "--data", _files.Data)).Error, StringComparison.Ordinal);
            var was = new Uri(operations.Variables["DATABASE_URL"]!).AbsolutePath.Trim('/');
            foreach (var file in Directory.GetFiles(_files.Secrets, "*DatabaseUrl")) File.WriteAllText(file, File.ReadAllText(file).Replace(was, was + "_back", StringComparison.Ordinal));
            operations.Set("DATABASE_URL", operations.Variables["DATABASE_URL"]!.Replace(was, was + "_back", StringComparison.Ordinal));
        }

        var (exit, output, error) = await operations.RunAsync("restore", bundle, "--confirm", "--replace", "--data", _files.Data);
        Assert.True(exit == 0, output + error);
        Assert.Contains("signing keys", output, StringComparison.Ordinal);
        Assert.Contains("no policy is active: 1 zones", output + error, StringComparison.Ordinal);
    }

    private async Task ActivateAgainAsync(WireClient wire, string zone)
    {
        var prefix = $"/v1/zones/{zone}/policy-sets";
        var set = (await AskAsync(HttpMethod.Get, prefix)).GetProperty("items")[0].GetProperty("id").GetString();
        var version = (await AskAsync(HttpMethod.Get, $"{prefix}/{set}/versions")).GetProperty("items")[0].GetProperty("id").GetString();
        var activation = await AskAsync(HttpMethod.Post, $"{prefix}/{set}/activate", JsonSerializer.Serialize(new { version_id = version }));
        while ((await AskAsync(HttpMethod.Get, activation.GetProperty("status_url").GetString()!)).GetProperty("propagation_status").GetString() != "loaded") await Task.Delay(20, Stop);

        async Task<JsonElement> AskAsync(HttpMethod method, string path, string? body = null) =>
            JsonDocument.Parse((await wire.ApiAsync(method, path, _files.AdminToken, body, Stop)).Require($"{method} {path}").Text).RootElement;
    }

    private async Task<object?> ExecuteAsync(DbConnection connection, string sql)
    {
        await using var opened = connection;
        await connection.OpenAsync(Stop);
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteScalarAsync(Stop);
    }

    private async Task<Running> OperationsAsync(string engine)
    {
        var running = new Running([.. _files.Variables.Where(pair => pair.Key is not ("CARACAL_HOME" or "HOME")).Select(pair => (pair.Key, pair.Value))]);
        if (engine == "sqlite") return running;
        var server = await PostgresServer.GetAsync();
        running.Set("DATABASE_URL", $"postgres://postgres:{PostgresServer.Password}@127.0.0.1:{server.Port}/backup_{Guid.NewGuid():N}?sslmode=disable");
        running.Set("REDIS_URL", $"redis://:{RedisServer.Password}@127.0.0.1:{redis.Port}");
        var (exit, output, error) = await running.RunAsync("provision");
        Assert.True(exit == 0, output + error);
        return running;
    }

    private Task<CaracalStack> StartAsync() =>
        CaracalStack.StartAsync(new StackOptions { Variables = _files.Variables, DataDirectory = _files.Data, Log = TextWriter.Null }, Stop);

    private static async Task<string> HardenAsync(Running operations, string id)
    {
        var (_, output, _) = await operations.RunAsync("harden", "--only", id, "--json");
        return Assert.Single(JsonDocument.Parse(output).RootElement.GetProperty("checks").EnumerateArray()).GetProperty("status").GetString()!;
    }
}
