using Caracal.Cli.Client;
using Caracal.Cli.Processes;
using Caracal.Stack;

namespace Caracal.Cli.Tests;

/// <summary>What operators read in the log of a running stack.</summary>
public sealed class PolicyLogTests
{
    [Fact]
    [Trait("requirement", "R96")]
    public async Task An_activated_policy_set_is_a_line_with_its_zone_and_version()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var files = new PrivateStack(folder: null, new Dictionary<string, string?>(StringComparer.Ordinal) { ["LOG_LEVEL"] = "info" });
        using var lines = new StringWriter();
        await using var stack = await CaracalStack.StartAsync(
            new StackOptions { Variables = files.Variables, DataDirectory = files.Data, Log = TextWriter.Synchronized(lines) }, limit.Token);
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var zone = await GovernedZone.CreateAsync(
            wire, files.AdminToken, new ZoneBlueprint { Name = "Logged", UpstreamUrl = "http://127.0.0.1:9", ApiKey = "key", Scopes = ["pipernet:read", "pipernet:write"] }, limit.Token);
        await stack.StopAsync();

        var line = Assert.Single(lines.ToString().Split('\n'), line => line.Contains("policy_bundle_compiled", StringComparison.Ordinal));
        Assert.Contains(zone.ZoneId, line, StringComparison.Ordinal);
        Assert.Contains("version", line, StringComparison.Ordinal);
    }
}
