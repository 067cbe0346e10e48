using System.Text.Json;
using Caracal.Cli.Client;
using Caracal.Cli.Processes;
using Caracal.Stack;

namespace Caracal.Cli.Tests.Hardening;

/// <summary>Whether the active policies of a running deployment know whom they allow.</summary>
public sealed class PublishedAuthorityTests
{
    [Fact]
    [Trait("requirement", "R97")]
    public async Task A_policy_of_grants_passes_and_one_that_allows_everybody_fails()
    {
        var stop = TestContext.Current.CancellationToken;
        using var files = new PrivateStack(folder: null, new Dictionary<string, string?>());
        await using var stack = await StartAsync(files);
        using var running = Beside(files);
        Assert.Contains("not evaluated", (await HardenAsync(running, "H-POL-2")).Detail, StringComparison.Ordinal); // no zone yet
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var zone = await GovernedZone.CreateAsync(wire, files.AdminToken, new ZoneBlueprint { Name = "Strict", UpstreamUrl = "http://127.0.0.1:9", ApiKey = "key" }, stop);
        Assert.Equal(("ok", "a stranger is denied"), await HardenAsync(running, "H-POL-2"));

        var prefix = $"/v1/zones/{zone.ZoneId}";
        var set = (await ApiAsync(HttpMethod.Get, "policy-sets", null)).Body.GetProperty("items")[0].GetProperty("id").GetString();
        var open = "package caracal.authz\nimport rego.v1\nresult := {\"decision\": \"allow\", \"evaluation_status\": \"complete\", \"determining_policies\": [], \"diagnostics\": []}\n";
        var policy = await ApiAsync(HttpMethod.Post, "policies", new { name = "placeholder", content = open });
        var version = await ApiAsync(HttpMethod.Post, $"policy-sets/{set}/versions", new { manifest = new[] { new { policy_version_id = policy["version_id"] } } });
        await ApiAsync(HttpMethod.Post, $"policy-sets/{set}/activate", new { version_id = version["version_id"] });

        var found = await HardenAsync(running, "H-POL-2");
        Assert.Equal("fail", found.Status);
        Assert.Contains(zone.ZoneId, found.Detail, StringComparison.Ordinal);
        await stack.StopAsync();

        async Task<WireAnswer> ApiAsync(HttpMethod method, string path, object? body) =>
            (await wire.ApiAsync(method, $"{prefix}/{path}", files.AdminToken, body is null ? null : JsonSerializer.Serialize(body), stop)).Require(path);
    }

    private static Task<CaracalStack> StartAsync(PrivateStack files) => CaracalStack.StartAsync(
        new StackOptions { Variables = files.Variables, DataDirectory = files.Data, Log = TextWriter.Null }, TestContext.Current.CancellationToken);

    private static Running Beside(PrivateStack files)
    {
        var running = new Running([.. files.Variables.Select(pair => (pair.Key, pair.Value))]);
        foreach (var name in (string[])["api", "sts", "gateway", "audit", "coordinator"]) running.Set($"CARACAL_{name.ToUpperInvariant()}_URL", files.Urls[name]);
        return running;
    }

    private static async Task<(string Status, string Detail)> HardenAsync(Running running, string id) =>
        Read(await running.RunAsync("harden", "--only", id, "--json"), check => check.GetProperty("id").GetString() == id);

    private static (string Status, string Detail) Read((int Exit, string Output, string Error) run, Predicate<JsonElement> wanted)
    {
        using var report = JsonDocument.Parse(run.Output);
        var check = Assert.Single(report.RootElement.GetProperty("checks").EnumerateArray(), wanted);
        return (check.GetProperty("status").GetString()!, check.GetProperty("detail").GetString()!);
    }
}
