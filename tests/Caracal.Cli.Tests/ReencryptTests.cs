using System.Text.Json;
using Caracal.Cli.Client;
using Caracal.Cli.Processes;
using Caracal.Stack;

namespace Caracal.Cli.Tests;

/// <summary><c>caracal keys reencrypt</c>: a store under a new KEK without a running stack.</summary>
public sealed class ReencryptTests
{
    [Fact]
    [Trait("requirement", "R138")]
    [Trait("requirement", "R139")]
    public async Task A_dry_run_counts_and_writes_nothing_and_the_run_leaves_nothing_under_the_old_key_given_as_base64()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var files = new PrivateStack(folder: null, new Dictionary<string, string?>());
        await using (var stack = await CaracalStack.StartAsync(new StackOptions { Variables = files.Variables, DataDirectory = files.Data, Log = TextWriter.Null }, limit.Token))
        {
            using var wire = new WireClient(WireEndpoints.From(stack.Urls));
            await GovernedZone.CreateAsync(wire, files.AdminToken, new ZoneBlueprint { Name = "Sealed", UpstreamUrl = "http://127.0.0.1:9", ApiKey = "key" }, limit.Token);
            await stack.StopAsync();
        }

        var old = Convert.FromHexString(files.Secret("ZONE_KEK"));
        using var running = new Running(("CARACAL_MODE", "dev"), ("ZONE_KEK_OLD", "base64:" + Convert.ToBase64String(old)), ("ZONE_KEK_NEW", Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32))));
        var before = File.ReadAllBytes(CaracalStack.DatabasePath(files.Data));
        var dry = await ReportAsync(running, files.Data);
        var rows = dry.GetProperty("would_reseal").GetInt64();
        Assert.True(rows > 0);
        Assert.Equal(before, File.ReadAllBytes(CaracalStack.DatabasePath(files.Data)));
        Assert.Equal(rows, (await ReportAsync(running, files.Data)).GetProperty("would_reseal").GetInt64());

        var (exit, output, error) = await running.RunAsync("keys", "reencrypt", "--data", files.Data);
        Assert.True(exit == 0, output + error);
        Assert.Equal(0, (await ReportAsync(running, files.Data)).GetProperty("would_reseal").GetInt64());

        running.Set("ZONE_KEK_NEW", "base64:" + Convert.ToBase64String(old)); // the new key is not given any more: nothing opens
        running.Set("ZONE_KEK_OLD", Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)));
        Assert.Equal(1, (await running.RunAsync("keys", "reencrypt", "--dry-run", "--json", "--data", files.Data)).Exit);
    }

    [Fact]
    [Trait("requirement", "R64")]
    public async Task A_compromised_key_names_every_signing_key_and_credential_that_it_opens_and_what_to_do()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var files = new PrivateStack(folder: null, new Dictionary<string, string?>());
        GovernedZone zone;
        await using (var stack = await StartAsync(files, limit.Token))
        {
            using var wire = new WireClient(WireEndpoints.From(stack.Urls));
            zone = await GovernedZone.CreateAsync(wire, files.AdminToken, new ZoneBlueprint { Name = "Opened", UpstreamUrl = "http://127.0.0.1:9", ApiKey = "key" }, limit.Token);
            await stack.StopAsync();
        }

        using var running = new Running(("CARACAL_MODE", "dev"), ("ZONE_KEK_OLD", files.Secret("ZONE_KEK")));
        var before = File.ReadAllBytes(CaracalStack.DatabasePath(files.Data));
        var listed = await ExposedAsync(running, files.Data, "--dry-run");
        Assert.All(listed, row => Assert.Equal(zone.ZoneId, Text(row, "zone_id")));
        Assert.Equal(["secret_store", "secrets"], listed.Select(row => Text(row, "what")).Distinct().Order(StringComparer.Ordinal));
        Assert.All(listed, row => Assert.NotEqual("", Text(row, "then")));
        Assert.Equal(before, File.ReadAllBytes(CaracalStack.DatabasePath(files.Data)));

        // Without a person and a reason nothing is written; with them each value is a task, once.
        Assert.Equal(1, (await running.RunAsync("keys", "reencrypt", "--compromised", "--data", files.Data)).Exit);
        Assert.Equal(before, File.ReadAllBytes(CaracalStack.DatabasePath(files.Data)));
        string[] who = ["--actor", "ops@example.com", "--reason", "the disk of a node was sold"];
        var opened = await ExposedAsync(running, files.Data, who);
        Assert.Equal(listed.Select(row => Text(row, "id")).Order(StringComparer.Ordinal), opened.Select(row => Text(row, "id")).Order(StringComparer.Ordinal));
        Assert.Equal(opened.Select(row => Text(row, "task")), (await ExposedAsync(running, files.Data, who)).Select(row => Text(row, "task")));

        // Another key opened nothing.
        running.Set("ZONE_KEK_OLD", Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)));
        Assert.Empty(await ExposedAsync(running, files.Data, "--dry-run"));
    }

    [Fact]
    public async Task A_task_is_closed_when_its_value_was_changed_and_not_before()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var files = new PrivateStack(folder: null, new Dictionary<string, string?>());
        GovernedZone zone;
        using var running = new Running(("CARACAL_MODE", "dev"), ("ZONE_KEK_OLD", files.Secret("ZONE_KEK")));
        string[] who = ["--actor", "ops@example.com", "--reason", "the disk of a node was sold", "--data", files.Data];
        string signing;
        await using (var stack = await StartAsync(files, limit.Token))
        {
            using var wire = new WireClient(WireEndpoints.From(stack.Urls));
            zone = await GovernedZone.CreateAsync(wire, files.AdminToken, new ZoneBlueprint { Name = "Closed", UpstreamUrl = "http://127.0.0.1:9", ApiKey = "key" }, limit.Token);
            signing = Text((await ExposedAsync(running, files.Data, who)).Single(row => Text(row, "what") == "secrets"), "task");
            var (exit, output, error) = await running.RunAsync(["keys", "tasks", "close", signing, .. who]);
            Assert.Equal(1, exit);
            Assert.Contains("caracal keys taint", output + error, StringComparison.Ordinal);

            var rotated = await wire.ApiAsync(HttpMethod.Post, $"/v1/zones/{zone.ZoneId}/keys/rotate", files.AdminToken, """{"compromised":true,"reason":"the disk of a node was sold"}""", limit.Token);
            Assert.True(rotated.Status == 200, rotated.Text);
            await stack.StopAsync();
        }

        var (left, shown, problem) = await running.RunAsync("keys", "tasks", "--data", files.Data);
        Assert.True(left == 1, problem);
        Assert.Contains("as exposed", shown, StringComparison.Ordinal);
        Assert.Equal(0, (await running.RunAsync(["keys", "tasks", "close", signing, .. who])).Exit);
        Assert.Equal(1, (await running.RunAsync(["keys", "tasks", "close", signing, .. who])).Exit);
        var (_, all, _) = await running.RunAsync("keys", "tasks", "--all", "--json", "--data", files.Data);
        var states = all.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToDictionary(row => Text(row, "task"), row => Text(row, "state"));
        Assert.Equal("closed", states[signing]);
        Assert.All(states.Where(state => state.Key != signing), state => Assert.Equal("as exposed", state.Value));
    }

    private static Task<CaracalStack> StartAsync(PrivateStack files, CancellationToken stop) =>
        CaracalStack.StartAsync(new StackOptions { Variables = files.Variables, DataDirectory = files.Data, Log = TextWriter.Null }, stop);

    private static async Task<List<JsonElement>> ExposedAsync(Running running, string data, params string[] more)
    {
        var (exit, output, error) = await running.RunAsync(["keys", "reencrypt", "--compromised", "--json", "--data", data, .. more]);
        Assert.True(exit == 0, output + error);
        return [.. JsonDocument.Parse(output).RootElement.GetProperty("must_rotate").EnumerateArray()];
    }

    private static string Text(JsonElement row, string name) => row.GetProperty(name).GetString()!;

    private static async Task<JsonElement> ReportAsync(Running running, string data)
    {
        var (exit, output, error) = await running.RunAsync("keys", "reencrypt", "--dry-run", "--json", "--data", data);
        Assert.True(exit == 0, output + error);
        return JsonDocument.Parse(output).RootElement.Clone();
    }
}
