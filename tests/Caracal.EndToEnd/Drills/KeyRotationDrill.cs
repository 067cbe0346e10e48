using System.Text.Json;
using Caracal.Cli.Bench;
using Caracal.Cli.Bench.Rotation;
using Caracal.Cli.Client;
using Caracal.Cli.Servers;
using Caracal.Stack;
using Caracal.Streams;
using Caracal.Streams.Redis;
using Npgsql;

namespace Caracal.EndToEnd.Drills;

/// <summary>
/// Rotation over separate processes, one of which does not get the new files. Its system is its own: a rotation waits for
/// processes that were killed a moment ago, and the other drills kill many.
/// </summary>
public sealed class KeyRotationDrill : IClassFixture<KeyRotationFleet>, IDisposable
{
    private readonly DirectoryInfo _frozen = Directory.CreateTempSubdirectory("caracal-frozen-");
    private readonly LocalFleet _fleet;
    private int _started;

    public KeyRotationDrill(KeyRotationFleet fleet) => _fleet = fleet.Processes;

    public void Dispose() => _frozen.Delete(recursive: true);

    [Fact]
    public async Task Activation_waits_for_the_process_of_each_role_whose_folder_is_frozen_names_it_and_goes_on_when_it_thaws()
    {
        using var caracal = Command();
        foreach (var role in StackRoles.Services) CopySecrets(role);
        var laggards = await Task.WhenAll(StackRoles.Services.Select(StartLaggardAsync));
        try
        {
            var prepared = await caracal.RunAsync("keys", "prepare", "streams-hmac", "--reason", "a drill of convergence", "--actor", "ops@example.com", "--reason-kind", "compromise", "--emergency", "--overlap", "0", "--json");
            Assert.True(prepared.Exit == 0, prepared.Output + prepared.Error);
            var id = JsonDocument.Parse(prepared.Output).RootElement.GetProperty("rotation").GetProperty("id").GetString()!;

            var early = await caracal.RunAsync("keys", "roll", id, "--timeout", "1");
            Assert.Equal(1, early.Exit);
            foreach (var step in (string[])["deploy", "roll"])
            {
                await LagsAsync(caracal, step, id, laggards);

                // Whoever is left alone is named alone, whichever role it plays.
                for (var thawed = 0; thawed < laggards.Length; thawed++)
                {
                    if (thawed == laggards.Length - 1) await LagsAsync(caracal, step, id, laggards[^1..]);
                    CopySecrets(laggards[thawed].Role);
                }

                await SucceedsAsync(caracal, step, id);
            }

            await SucceedsAsync(caracal, "rollback", id, "--reason", "the drill is over");
            foreach (var role in StackRoles.Services) CopySecrets(role);
            var evidence = await caracal.RunAsync("keys", "evidence", id);
            Assert.True(evidence.Exit == 0, evidence.Output + evidence.Error);
            await SucceedsAsync(caracal, "retire", id, "--wait");
            foreach (var file in Directory.EnumerateFiles(_fleet.Files.Secrets, "streamsHmacKey*").Where(file => !file.EndsWith(".jsonl", StringComparison.Ordinal)))
            {
                foreach (var value in await File.ReadAllLinesAsync(file))
                {
                    var written = prepared.Output + evidence.Output + string.Concat(laggards.Select(laggard => File.ReadAllText(laggard.Log)));
                    Assert.DoesNotContain(value, written, StringComparison.Ordinal);
                }
            }
        }
        finally
        {
            foreach (var laggard in laggards) await laggard.DisposeAsync();
        }
    }

    [Fact]
    public async Task Another_process_takes_over_a_scheduled_rotation_whenever_its_leader_is_killed()
    {
        using var caracal = Command();
        await using var database = NpgsqlDataSource.Create($"Host=127.0.0.1;Port={_fleet.Postgres.Port};Username=postgres;Database={LocalFleet.DatabaseName}");
        var others = string.Join("; ", Keys.Rotation.RotationSchedule.Known.Where(name => name != "coordinator-token").Select(name => name + "=off"));
        var schedule = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ROTATION_SCHEDULE"] = "on",
            ["ROTATION_SCHEDULE_CLASSES"] = $"coordinator-token=1h; {others}",
            ["ROTATION_SCHEDULE_WINDOW"] = "always",
            ["ROTATION_SCHEDULE_NOTICE_HOURS"] = "0",
            ["ROTATION_SCHEDULE_POLL_SECONDS"] = "1",
            ["ROTATION_SOAK_SECONDS"] = "6",
        };
        var old = _fleet.Files.CoordinatorToken;
        var first = await StartAsync(StackRoles.Api, _fleet.Files.Secrets, schedule);
        var second = await StartAsync(StackRoles.Api, _fleet.Files.Secrets, schedule);
        FleetService? third = null;
        try
        {
            await ExecuteAsync(database, "UPDATE key_registry SET activated_at = activated_at - interval '2 hours' WHERE class = 'coordinator-token'");
            await UntilAsync(database, "SELECT id FROM key_rotations WHERE class = 'coordinator-token' AND state IN ('prepared', 'deployed', 'rolled')");
            var (leader, heir) = await IsLeaderAsync(first) ? (first, second) : (second, first);
            await leader.KillAsync();
            third = await StartAsync(StackRoles.Api, _fleet.Files.Secrets, schedule);
            await UntilAsync(database, "SELECT id FROM key_rotations WHERE class = 'coordinator-token' AND state IN ('rolled', 'verified')");
            await heir.KillAsync();
            var id = await UntilAsync(database, "SELECT id FROM key_rotations WHERE class = 'coordinator-token' AND state = 'verified'");
            await ExecuteAsync(database, "UPDATE key_rotations SET rolled_at = rolled_at - interval '25 hours' WHERE state = 'verified'");
            await UntilAsync(database, $"SELECT rotation_id FROM key_rotation_events WHERE rotation_id = '{id}' AND event = 'checked'");

            Assert.NotEqual(old, _fleet.Files.CoordinatorToken);
            Assert.False(File.Exists(Path.Combine(_fleet.Files.Secrets, "caracalCoordinatorToken.previous")));
            var evidence = await caracal.RunAsync("keys", "evidence", id);
            Assert.True(evidence.Exit == 0, evidence.Output + evidence.Error);
            var events = evidence.Output.Split('\n').Where(line => line.StartsWith('{')).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString());
            Assert.Equal(["prepared", "deployed", "rolled", "verified", "retired", "checked"], events);
        }
        finally
        {
            foreach (var service in (FleetService?[])[first, second, third])
            {
                if (service is not null) await service.DisposeAsync();
            }

            // Whoever was killed said no farewell; the tests after this one need not wait until it is forgotten.
            await ExecuteAsync(database, "DELETE FROM service_instances WHERE service = 'api' AND stopped_at IS NULL AND last_seen < now() - interval '15 seconds'");
        }
    }

    [Theory]
    [Trait("requirement", "R18")]
    [Trait("requirement", "R132")]
    [Trait("requirement", "R143")]
    [InlineData("postgres:sts")]
    [InlineData("redis:gateway")]
    public async Task A_password_of_a_store_changes_under_load_without_a_failed_call_goes_back_and_the_old_one_is_refused_in_the_end(string classId)
    {
        using var caracal = Command();
        caracal.With("CARACAL_MODE", "dev").With("DATABASE_URL", _fleet.Postgres.Url(LocalFleet.DatabaseName)).With("REDIS_URL", _fleet.Redis.Url);
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

    private CaracalCommand Command() => new CaracalCommand()
        .With("CARACAL_SECRETS_DIR", _fleet.Files.Secrets).With("CARACAL_API_URL", _fleet.Find(StackRoles.Api).Url).With("CARACAL_ENV", "development");

    private Task<FleetService> StartLaggardAsync(string role) => StartAsync(role, Frozen(role), new Dictionary<string, string?>());

    // A further process of a role, with a home of its own.
    private async Task<FleetService> StartAsync(string role, string secrets, IReadOnlyDictionary<string, string?> more)
    {
        var url = $"http://127.0.0.1:{FreePorts.Take(1).Single()}";
        var variables = new Dictionary<string, string?>(_fleet.Find(role).Variables, StringComparer.Ordinal)
        {
            ["CARACAL_SECRETS_DIR"] = secrets,
            ["CARACAL_HOME"] = _frozen.CreateSubdirectory($"home-{++_started}").FullName,
            [role.ToUpperInvariant() + "__PORT"] = new Uri(url).Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
        };
        foreach (var (name, value) in more) variables[name] = value;
        Keys.Secrets.SecretFolder.Prepare(variables["CARACAL_HOME"]!);
        var service = new FleetService(role, 9, url, Path.Combine(_fleet.Files.Folder, $"{role}-{_frozen.Name}-{_started}.log"), variables);
        service.Start();
        await _fleet.WaitUntilReadyAsync([service], CancellationToken.None);
        return service;
    }

    private static async Task LagsAsync(CaracalCommand caracal, string step, string id, IReadOnlyCollection<FleetService> laggards)
    {
        var (exit, output, error) = await caracal.RunAsync("keys", step, id, "--timeout", "4");
        Assert.True(exit == 1, output + error);
        Assert.Contains("gate_not_met", error, StringComparison.Ordinal);
        var named = error[(error.LastIndexOf("waiting for ", StringComparison.Ordinal) + 12)..].Trim().Split(", ");
        Assert.Equal(laggards.Select(laggard => $"{laggard.Role}/{Environment.MachineName}-{laggard.Pid}").Order(StringComparer.Ordinal), named.Order(StringComparer.Ordinal));
    }

    private static async Task SucceedsAsync(CaracalCommand caracal, params string[] words)
    {
        var (exit, output, error) = await caracal.RunAsync(["keys", .. words, "--timeout", "60"]);
        Assert.True(exit == 0, output + error);
    }

    private async Task<bool> IsLeaderAsync(FleetService api)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", _fleet.Files.MetricsToken);
        return (await http.GetStringAsync(new Uri(api.Url + "/metrics"))).Contains("caracal_api_is_rotation_leader 1", StringComparison.Ordinal);
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<string> UntilAsync(NpgsqlDataSource database, string sql)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            await using var command = database.CreateCommand(sql);
            if (await command.ExecuteScalarAsync() is string found) return found;
            if (limit.IsCancellationRequested) Assert.Fail($"nothing came of: {sql}");
            await Task.Delay(30);
        }
    }

    private string Frozen(string role) => _frozen.CreateSubdirectory(role).FullName;

    private void CopySecrets(string role)
    {
        var wanted = Directory.EnumerateFiles(_fleet.Files.Secrets).ToDictionary(file => Path.GetFileName(file)!, StringComparer.Ordinal);
        foreach (var (name, path) in wanted)
        {
            // In its place at once, as a store of secrets puts it there: the process may be reading the old one.
            var fresh = Path.Combine(_frozen.FullName, name + ".fresh");
            File.Copy(path, fresh, overwrite: true);
            File.Move(fresh, Path.Combine(Frozen(role), name), overwrite: true);
        }

        foreach (var gone in Directory.EnumerateFiles(Frozen(role)).Where(file => !wanted.ContainsKey(Path.GetFileName(file)))) File.Delete(gone);
    }
}
