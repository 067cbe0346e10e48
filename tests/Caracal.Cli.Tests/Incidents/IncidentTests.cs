using System.Security.Cryptography;
using System.Text.Json;
using Caracal.Cli.Client;
using Caracal.Cli.Processes;
using Caracal.Stack;

namespace Caracal.Cli.Tests.Incidents;

/// <summary>The commands of an incident, against running services.</summary>
public sealed class IncidentTests : IDisposable
{
    private static readonly string[] Scopes = ["pipernet:read"];
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(2));
    private readonly PrivateStack _files = new(folder: null, new Dictionary<string, string?>());

    private CancellationToken Stop => _limit.Token;

    public void Dispose()
    {
        _files.Dispose();
        _limit.Dispose();
    }

    [Fact]
    public async Task A_frozen_zone_allows_nothing_a_revocation_ends_what_it_names_and_the_evidence_proves_itself()
    {
        await using var stack = await CaracalStack.StartAsync(new StackOptions { Variables = _files.Variables, DataDirectory = _files.Data, Log = TextWriter.Null }, Stop);
        using var operations = Beside();
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var zone = await GovernedZone.CreateAsync(
            wire, _files.AdminToken, new ZoneBlueprint { Name = "Incident", UpstreamUrl = "http://127.0.0.1:9", ApiKey = "key", Scopes = ["pipernet:read", "pipernet:write"] }, Stop);
        var application = new AgentApplication(wire, zone);
        var (first, second) = (await application.ProvisionAsync(Scopes, depth: 1, Stop), await application.ProvisionAsync(Scopes, depth: 1, Stop));

        var workload = (await wire.ApiAsync(HttpMethod.Post, $"/v1/zones/{zone.ZoneId}/workloads", _files.AdminToken, """{"name":"nightly"}""", Stop)).Require("workload")["id"];
        var bindings = JsonSerializer.Serialize(new { bindings = new[] { new { env = "PIPERNET_KEY", resource = zone.Blueprint.Resource } } });
        (await wire.ApiAsync(HttpMethod.Put, $"/v1/zones/{zone.ZoneId}/workloads/{workload}", _files.AdminToken, bindings, Stop)).Require("bindings");

        var (_, tried, _) = await operations.RunAsync("incident", "revoke", zone.ZoneId, "--session", first.SessionId, "--reason", "drill of today", "--dry-run");
        Assert.Contains("would end: 1 sessions", tried, StringComparison.Ordinal);
        Assert.True((await application.MintAsync(first, Scopes[0], Stop)).IsSuccess);
        var (exit, ended, error) = await operations.RunAsync("incident", "revoke", zone.ZoneId, "--session", first.SessionId, "--reason", "drill of today");
        Assert.True(exit == 0, error);
        Assert.Contains("ended: 1 sessions", ended, StringComparison.Ordinal);
        Assert.Contains("1 Gateway(s) know of it", ended + error, StringComparison.Ordinal);
        Assert.Contains("PIPERNET_KEY", ended + error, StringComparison.Ordinal); // a process may hold it
        Assert.False((await application.MintAsync(first, Scopes[0], Stop)).IsSuccess);
        Assert.True((await application.MintAsync(second, Scopes[0], Stop)).IsSuccess);

        Assert.Equal(0, (await operations.RunAsync("incident", "freeze", zone.ZoneId, "--reason", "drill of today")).Exit);
        Assert.False((await application.MintAsync(second, Scopes[0], Stop)).IsSuccess);
        Assert.False((await new AgentApplication(wire, zone).MintLifecycleAsync(Stop)).IsSuccess); // nothing begins either
        Assert.Equal(0, (await operations.RunAsync("incident", "freeze", zone.ZoneId, "--reason", "drill of today")).Exit); // again is no harm

        Assert.Equal(0, (await operations.RunAsync("incident", "thaw", zone.ZoneId)).Exit);
        Assert.False((await application.MintAsync(second, Scopes[0], Stop)).IsSuccess); // what ended stays ended
        var again = new AgentApplication(wire, zone);
        var fresh = await again.ProvisionAsync(Scopes, depth: 1, Stop);
        Assert.True((await again.MintAsync(fresh, Scopes[0], Stop)).IsSuccess);
        await RecordedAsync(operations, zone.ZoneId, "deny");
        await ProvesItselfAsync(operations, zone.ZoneId, "evidence");
        Assert.Contains("kill switch", Read(operations, "evidence", "admin-audit.jsonl"), StringComparison.Ordinal);
        Assert.Contains("\"gateway\"", Read(operations, "evidence", "instances.jsonl"), StringComparison.Ordinal);
        await stack.StopAsync();

        // What does not answer any more says so in its file.
        await ProvesItselfAsync(operations, zone.ZoneId, "later");
        Assert.All((string[])["admin-audit.jsonl", "admin-audit-global.jsonl", "instances.jsonl"], file => Assert.Contains("not_answered", Read(operations, "later", file), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("usage: caracal incident", "revoke")]
    [InlineData("--reason must say why", "revoke", "z", "--session", "s")]
    [InlineData("--reason must say why", "freeze", "z", "--reason", "short")]
    [InlineData("say what to revoke", "revoke", "z", "--reason", "long enough to say")]
    [InlineData("say what to revoke", "revoke", "z", "--reason", "long enough to say", "--session", "s", "--subject", "u")]
    [InlineData("was not frozen from here", "thaw", "z")]
    [InlineData("evidence needs", "evidence", "z")]
    public async Task Refuses_what_is_not_said_clearly(string says, params string[] words)
    {
        using var operations = Beside();
        var (exit, _, error) = await operations.RunAsync(["incident", .. words]);
        Assert.Equal(1, exit);
        Assert.Contains(says, error, StringComparison.Ordinal);
    }

    private static string Read(Running operations, string pack, string file) => File.ReadAllText(Path.Combine(operations.Home, pack, file));

    // The ledger records behind the answers: a pack taken at once may lack the newest of them.
    private async Task RecordedAsync(Running operations, string zone, string decision)
    {
        string[] words = ["audit", "search", "--zone", zone, "--since", "2020-01-01T00:00:00Z", "--until", "2100-01-01T00:00:00Z", "--json", "--data", _files.Data];
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (!(await operations.RunAsync(words)).Output.Contains($"\"{decision}\"", StringComparison.Ordinal)) await Task.Delay(50, limit.Token);
    }

    private async Task ProvesItselfAsync(Running operations, string zone, string pack)
    {
        var folder = Path.Combine(operations.Home, pack);
        string[] words = ["incident", "evidence", zone, "--since", "2020-01-01T00:00:00Z", "--until", "2100-01-01T00:00:00Z", "--out", folder, "--data", _files.Data];
        var (exit, output, error) = await operations.RunAsync(words);
        Assert.True(exit == 0, output + error);
        var sums = File.ReadAllLines(Path.Combine(folder, "SHA256SUMS")).Select(line => line.Split("  ")).ToDictionary(line => line[1], line => line[0], StringComparer.Ordinal);
        Assert.Equal(["README.txt", "admin-audit-global.jsonl", "admin-audit.jsonl", "doctor.json", "events.jsonl", "instances.jsonl", "keys.json", "rotations.json", "verification.json"], sums.Keys.Order(StringComparer.Ordinal));
        Assert.All(sums, sum => Assert.Equal(sum.Value, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, sum.Key))))));
        var events = File.ReadAllText(Path.Combine(folder, "events.jsonl"));
        Assert.Contains("deny", events, StringComparison.Ordinal);
        Assert.Contains("\"ok\":true", File.ReadAllText(Path.Combine(folder, "verification.json")).Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        foreach (var file in Directory.GetFiles(folder)) Assert.DoesNotContain(_files.AdminToken, File.ReadAllText(file), StringComparison.Ordinal);
        Assert.Contains("evidence is never mixed", (await operations.RunAsync(words)).Error, StringComparison.Ordinal);
    }

    private Running Beside()
    {
        var running = new Running([.. _files.Variables.Where(pair => pair.Key is not ("CARACAL_HOME" or "HOME")).Select(pair => (pair.Key, pair.Value))]);
        foreach (var name in (string[])["api", "sts", "gateway", "audit", "coordinator"]) running.Set($"CARACAL_{name.ToUpperInvariant()}_URL", _files.Urls[name]);
        return running;
    }
}
