using System.Text.Json;
using Caracal.Cli.Bench;
using Caracal.Cli.Bench.Rotation;
using Caracal.Cli.Client;
using Caracal.Cli.Servers;
using Caracal.Stack;
using Caracal.Streams;
using Caracal.Streams.Redis;

namespace Caracal.EndToEnd.Drills;

/// <summary>
/// Rotation over separate processes, one of which does not get the new files. Its system is its own: a rotation waits for
/// processes that were killed a moment ago, and the other drills kill many.
/// </summary>
public sealed class KeyRotationDrill : IAsyncLifetime
{
    private readonly DirectoryInfo _frozen = Directory.CreateTempSubdirectory("caracal-frozen-");
    private LocalFleet _fleet = null!;

    public async ValueTask InitializeAsync() => _fleet = await LocalFleet.StartAsync(
        replicas: 1, new Dictionary<string, string?>(StringComparer.Ordinal) { ["API_V1_RATE_LIMIT_PER_MIN"] = "0", ["STS_MINT_RATE_LIMIT_PER_MIN"] = "100000000", ["STS_CLIENT_RATE_LIMIT_PER_MIN"] = "100000000", ["SECRETS_RELOAD_SECONDS"] = "1", ["ROTATION_PROBE_INTERVAL_MS"] = "100" }, CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _fleet.DisposeAsync();
        _frozen.Delete(recursive: true);
    }

    [Fact]
    public async Task Activation_waits_for_the_process_whose_folder_is_frozen_names_it_and_goes_on_when_it_thaws()
    {
        using var caracal = new CaracalCommand();
        caracal.With("CARACAL_SECRETS_DIR", _fleet.Files.Secrets).With("CARACAL_API_URL", _fleet.Find(StackRoles.Api).Url).With("CARACAL_ENV", "development");
        CopySecrets();
        await using var laggard = await StartLaggardAsync();
        var prepared = await caracal.RunAsync("keys", "prepare", "streams-hmac", "--reason", "a drill of convergence", "--actor", "ops@example.com", "--json");
        Assert.True(prepared.Exit == 0, prepared.Output + prepared.Error);
        var id = JsonDocument.Parse(prepared.Output).RootElement.GetProperty("rotation").GetProperty("id").GetString()!;

        var early = await caracal.RunAsync("keys", "roll", id, "--timeout", "1");
        Assert.Equal(1, early.Exit);
        await LagsAsync(caracal, "deploy", id, laggard);
        CopySecrets();
        await SucceedsAsync(caracal, "deploy", id);

        await LagsAsync(caracal, "roll", id, laggard);
        CopySecrets();
        await SucceedsAsync(caracal, "roll", id);

        await SucceedsAsync(caracal, "rollback", id, "--reason", "the drill is over");
        CopySecrets();
        var evidence = await caracal.RunAsync("keys", "evidence", id);
        Assert.True(evidence.Exit == 0, evidence.Output + evidence.Error);
        foreach (var file in Directory.EnumerateFiles(_fleet.Files.Secrets, "streamsHmacKey*").Where(file => !file.EndsWith(".jsonl", StringComparison.Ordinal)))
        {
            foreach (var value in await File.ReadAllLinesAsync(file))
            {
                Assert.DoesNotContain(value, prepared.Output + evidence.Output + await File.ReadAllTextAsync(laggard.Log), StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("postgres:sts")]
    [InlineData("redis:gateway")]
    public async Task A_password_of_a_store_changes_under_load_without_a_failed_call_goes_back_and_the_old_one_is_refused_in_the_end(string classId)
    {
        using var caracal = new CaracalCommand();
        caracal.With("CARACAL_SECRETS_DIR", _fleet.Files.Secrets).With("CARACAL_API_URL", _fleet.Find(StackRoles.Api).Url).With("CARACAL_ENV", "development")
            .With("CARACAL_MODE", "dev").With("DATABASE_URL", _fleet.Postgres.Url(LocalFleet.DatabaseName)).With("REDIS_URL", _fleet.Redis.Url);
        var file = Path.Combine(_fleet.Files.Secrets, Keys.Rotation.RotatableClass.Find(classId)!.FileName);
        var first = await File.ReadAllTextAsync(file);
        await using var upstream = await LoopbackUpstream.StartAsync(remember: false, CancellationToken.None);
        using var wire = new WireClient(_fleet.Endpoints(0));
        var zone = await GovernedZone.CreateAsync(
            wire, _fleet.Files.AdminToken, new ZoneBlueprint { Name = "rotation", UpstreamUrl = upstream.Url, ApiKey = "upstream-key" }, CancellationToken.None);
        var application = new AgentApplication(wire, zone);
        await using var load = new RotationLoad(wire, application);
        load.Start([await application.ProvisionAsync(zone.Blueprint.Scopes, depth: 1, CancellationToken.None)]);

        var words = (string[])["--reason", "a drill of passwords", "--actor", "ops@example.com", "--reason-kind", "compromise", "--emergency", "--overlap", "0"];
        var back = await caracal.RunAsync(["keys", "rotate", classId, .. words, "--json"]);
        Assert.True(back.Exit == 0, back.Output + back.Error);
        var id = JsonDocument.Parse(back.Output.Split('\n')[0]).RootElement.GetProperty("rotation").GetProperty("id").GetString()!;
        var second = await File.ReadAllTextAsync(file);
        Assert.NotEqual(first, second);
        await SucceedsAsync(caracal, "rollback", id, "--reason", "the drill goes back");
        Assert.Equal(first, await File.ReadAllTextAsync(file));

        // Somebody who knows the password that goes has entered with it in the last moment in which that was possible.
        await using var thief = classId.StartsWith("redis:", StringComparison.Ordinal) && RedisOptions.TryParse(second.Trim(), out var stolen, out _) ? new RedisConnection(stolen) : null;
        if (thief is not null) await thief.ExecuteAsync(["PING"], CancellationToken.None);
        await SucceedsAsync(caracal, "retire", id, "--wait");
        if (thief is not null) await Assert.ThrowsAsync<StreamsUnavailableException>(async () => await thief.ExecuteAsync(["PING"], CancellationToken.None));

        await SucceedsAsync(caracal, ["rotate", classId, .. words, "--wait"]);
        await load.StopAsync();
        Assert.Empty(load.Failures);
        Assert.True(load.Requests > 50, $"{load.Requests} calls");
        Assert.False(File.Exists(file + ".previous"));
        Assert.DoesNotContain(new Uri(first).UserInfo.Split(':')[1], back.Output + await File.ReadAllTextAsync(file), StringComparison.Ordinal);
    }

    private async Task<FleetService> StartLaggardAsync()
    {
        var url = $"http://127.0.0.1:{FreePorts.Take(1).Single()}";
        var variables = new Dictionary<string, string?>(_fleet.Find(StackRoles.Gateway).Variables, StringComparer.Ordinal)
        {
            ["CARACAL_SECRETS_DIR"] = _frozen.FullName,
            ["CARACAL_HOME"] = Path.Combine(_frozen.FullName, "home"),
            ["GATEWAY__PORT"] = new Uri(url).Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
        };
        Keys.Secrets.SecretFolder.Prepare(variables["CARACAL_HOME"]!);
        var service = new FleetService(StackRoles.Gateway, 9, url, Path.Combine(_fleet.Files.Folder, "gateway-9.log"), variables);
        service.Start();
        await _fleet.WaitUntilReadyAsync([service], CancellationToken.None);
        return service;
    }

    private static async Task LagsAsync(CaracalCommand caracal, string step, string id, FleetService laggard)
    {
        var (exit, output, error) = await caracal.RunAsync("keys", step, id, "--timeout", "4");
        Assert.True(exit == 1, output + error);
        Assert.Contains("gate_not_met", error, StringComparison.Ordinal);
        Assert.Contains($"waiting for gateway/{Environment.MachineName}-{laggard.Pid}", error, StringComparison.Ordinal);
    }

    private static async Task SucceedsAsync(CaracalCommand caracal, params string[] words)
    {
        var (exit, output, error) = await caracal.RunAsync(["keys", .. words, "--timeout", "60"]);
        Assert.True(exit == 0, output + error);
    }

    private void CopySecrets()
    {
        var wanted = Directory.EnumerateFiles(_fleet.Files.Secrets).ToDictionary(file => Path.GetFileName(file)!, StringComparer.Ordinal);
        foreach (var (name, path) in wanted) File.Copy(path, Path.Combine(_frozen.FullName, name), overwrite: true);
        foreach (var gone in Directory.EnumerateFiles(_frozen.FullName).Where(file => !wanted.ContainsKey(Path.GetFileName(file)))) File.Delete(gone);
    }
}
