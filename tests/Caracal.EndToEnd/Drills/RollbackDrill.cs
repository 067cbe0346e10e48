using System.Text.Json;
using Caracal.Cli.Bench;
using Caracal.Cli.Bench.Rotation;
using Caracal.Cli.Client;
using Caracal.Keys.Rotation;

namespace Caracal.EndToEnd.Drills;

/// <summary>The way back from every state of a rotation, while governed calls run (operations.md 4.3).</summary>
public sealed class RollbackDrill
{
    private static readonly Dictionary<string, string?> Settings = new(BenchStack.Limits, StringComparer.Ordinal)
    {
        ["SECRETS_RELOAD_SECONDS"] = "1",
        ["ROTATION_PROBE_INTERVAL_MS"] = "50",
        ["ROTATION_SOAK_SECONDS"] = "0",
        ["REENCRYPTION_ROWS_PER_SECOND"] = "0",
        ["API_V1_RATE_LIMIT_PER_MIN"] = "0",
        ["READY_RATE_LIMIT_PER_MIN"] = "0",
    };

    // Time windows are for people; the way back must not need them.
    private static readonly string[] Emergency =
        ["--reason", "a drill of going back", "--actor", "ops@example.com", "--reason-kind", "compromise", "--emergency", "--overlap", "0"];

    [Fact]
    public async Task A_rotation_goes_back_from_every_state_under_load_without_a_failed_call()
    {
        await using var upstream = await LoopbackUpstream.StartAsync(remember: false, CancellationToken.None);
        await using var stack = await BenchStack.StartAsync(null, CancellationToken.None, Settings);
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var zone = await GovernedZone.CreateAsync(
            wire, stack.AdminToken, new ZoneBlueprint { Name = "rollback", UpstreamUrl = upstream.Url, ApiKey = "upstream-key" }, CancellationToken.None);
        var application = new AgentApplication(wire, zone);
        using var caracal = new CaracalCommand();
        caracal.With("CARACAL_SECRETS_DIR", stack.Files.Secrets).With("CARACAL_API_URL", stack.Urls["api"]).With("CARACAL_ENV", "development");
        var backup = Path.Combine(caracal.Folder, "backup");
        await File.WriteAllTextAsync(backup, "stands for a backup");
        await using var load = new RotationLoad(wire, application);
        load.Start([await application.ProvisionAsync(zone.Blueprint.Scopes, depth: 1, CancellationToken.None)]);

        foreach (var classId in (string[])["streams-hmac", "zone-kek", "audit-hmac"])
        {
            var path = Path.Combine(stack.Files.Secrets, RotatableClass.Find(classId)!.FileName);
            var old = await File.ReadAllTextAsync(path);
            foreach (var steps in (string[][])[[], ["deploy"], ["deploy", "roll"], ["deploy", "roll", "verify"]])
            {
                var prepared = await RunAsync(caracal, ["prepare", classId, .. Emergency, "--backup", backup, "--json"]);
                var id = Id(prepared);
                foreach (var step in steps) await RunAsync(caracal, step, id);
                await RunAsync(caracal, steps.Length == 0 ? "abort" : "rollback", id, "--reason", "the drill goes back");
                Assert.Equal(old, await File.ReadAllTextAsync(path));
                Assert.False(File.Exists(path + ".next"));
                Assert.Equal(steps.Length > 1, File.Exists(path + ".previous"));

                // What the new value signed verified until here; now it may go.
                if (steps.Length > 1) await RunAsync(caracal, "retire", id, "--wait");
                Assert.False(File.Exists(path + ".previous"));
            }
        }

        await AbortsAfterPromotionAsync(caracal, stack.Files.Secrets);
        await load.StopAsync();
        Assert.Empty(load.Failures);
        Assert.True(load.Requests > 200, $"{load.Requests} calls");
    }

    // A roll that was killed has changed the files, and services sign with the new value: giving up is going back.
    private static async Task AbortsAfterPromotionAsync(CaracalCommand caracal, string secrets)
    {
        var files = new SlotFiles(secrets, RotatableClass.Find("gateway-sts-hmac")!);
        var old = files.Current!;
        var id = Id(await RunAsync(caracal, ["prepare", "gateway-sts-hmac", .. Emergency, "--json"]));
        await RunAsync(caracal, "deploy", id);
        files.Promote(files.Next!);
        var given = JsonDocument.Parse(await RunAsync(caracal, "abort", id, "--reason", "the drill gives up", "--json")).RootElement;
        Assert.Equal("rolled_back", given.GetProperty("event").GetString());
        Assert.Equal((old, null, 1), (files.Current, files.Next, files.Previous.Count));
        await RunAsync(caracal, "retire", id, "--wait");
        Assert.Empty(files.Previous);
    }

    private static string Id(string prepared) => JsonDocument.Parse(prepared).RootElement.GetProperty("rotation").GetProperty("id").GetString()!;

    private static async Task<string> RunAsync(CaracalCommand caracal, params string[] words)
    {
        var (exit, output, error) = await caracal.RunAsync(["keys", .. words, "--timeout", "60"]);
        Assert.True(exit == 0, string.Join(' ', words) + output + error);
        return output;
    }
}
