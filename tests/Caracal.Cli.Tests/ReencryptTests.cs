using System.Text.Json;
using Caracal.Cli.Client;
using Caracal.Cli.Processes;
using Caracal.Stack;

namespace Caracal.Cli.Tests;

/// <summary><c>caracal keys reencrypt</c>: a store under a new KEK without a running stack.</summary>
public sealed class ReencryptTests
{
    [Fact]
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
    public async Task A_compromised_key_names_every_signing_key_and_credential_that_it_opens_and_what_to_do()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var files = new PrivateStack(folder: null, new Dictionary<string, string?>());
        GovernedZone zone;
        await using (var stack = await CaracalStack.StartAsync(new StackOptions { Variables = files.Variables, DataDirectory = files.Data, Log = TextWriter.Null }, limit.Token))
        {
            using var wire = new WireClient(WireEndpoints.From(stack.Urls));
            zone = await GovernedZone.CreateAsync(wire, files.AdminToken, new ZoneBlueprint { Name = "Opened", UpstreamUrl = "http://127.0.0.1:9", ApiKey = "key" }, limit.Token);
            await stack.StopAsync();
        }

        using var running = new Running(("CARACAL_MODE", "dev"), ("ZONE_KEK_OLD", files.Secret("ZONE_KEK")));
        var before = File.ReadAllBytes(CaracalStack.DatabasePath(files.Data));
        var (exit, output, error) = await running.RunAsync("keys", "reencrypt", "--compromised", "--json", "--data", files.Data);
        Assert.True(exit == 0, output + error);
        var rows = JsonDocument.Parse(output).RootElement.GetProperty("must_rotate").EnumerateArray().ToList();
        Assert.All(rows, row => Assert.Equal(zone.ZoneId, row.GetProperty("zone_id").GetString()));
        Assert.Equal(["secret_store", "secrets"], rows.Select(row => row.GetProperty("what").GetString()!).Distinct().Order(StringComparer.Ordinal));
        Assert.All(rows, row => Assert.NotEqual("", row.GetProperty("then").GetString()));
        Assert.Equal(before, File.ReadAllBytes(CaracalStack.DatabasePath(files.Data)));

        // Another key opened nothing.
        running.Set("ZONE_KEK_OLD", Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)));
        (_, output, _) = await running.RunAsync("keys", "reencrypt", "--compromised", "--json", "--data", files.Data);
        Assert.Equal(0, JsonDocument.Parse(output).RootElement.GetProperty("must_rotate").GetArrayLength());
    }

    private static async Task<JsonElement> ReportAsync(Running running, string data)
    {
        var (exit, output, error) = await running.RunAsync("keys", "reencrypt", "--dry-run", "--json", "--data", data);
        Assert.True(exit == 0, output + error);
        return JsonDocument.Parse(output).RootElement.Clone();
    }
}
