using System.Buffers.Text;
using System.Text.Json;
using Caracal.Cli.Bench;
using Caracal.Cli.Client;

namespace Caracal.EndToEnd;

/// <summary>A zone's signing key in wrong hands: one command, by the executable, over a running system (operations.md 4.6.2).</summary>
public sealed class TaintTests
{
    [Fact]
    public async Task One_command_takes_a_zone_key_out_everywhere_ends_what_it_signed_and_names_who_used_it()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var upstream = await LoopbackUpstream.StartAsync(remember: false, stop);
        await using var stack = await BenchStack.StartAsync(null, stop);
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var zone = await GovernedZone.CreateAsync(wire, stack.AdminToken, new ZoneBlueprint { Name = "taint", UpstreamUrl = upstream.Url, ApiKey = "key" }, stop);
        var application = new AgentApplication(wire, zone);
        var authority = await application.ProvisionAsync(zone.Blueprint.Scopes, depth: 1, stop);
        var spent = await MintAsync(authority);
        Assert.Equal(200, (await CallAsync(spent)).Status);
        var unspent = await MintAsync(authority);
        var bad = KeyOf(unspent);
        using var caracal = new CaracalCommand();
        caracal.With("CARACAL_SECRETS_DIR", stack.Files.Secrets).With("CARACAL_API_URL", stack.Urls["api"]).With("CARACAL_ENV", "development");

        foreach (var words in (string[][])[["--actor", "ops@example.com"], ["--reason", "a key on a lost laptop"], ["--reason", "short", "--actor", "ops@example.com"]])
        {
            Assert.Equal(1, (await caracal.RunAsync(["keys", "taint", zone.ZoneId, .. words])).Exit);
        }

        Assert.Equal(1, (await caracal.RunAsync("keys", "taint", "no-such-zone", "--reason", "a key on a lost laptop", "--actor", "ops@example.com")).Exit);
        Assert.Equal(bad, KeyOf(await MintAsync(authority)));

        var (exit, output, error) = await caracal.RunAsync("keys", "taint", zone.ZoneId, "--reason", "a key on a lost laptop", "--actor", "ops@example.com", "--json");
        Assert.True(exit == 0, output + error);
        var report = JsonDocument.Parse(output).RootElement;
        Assert.Equal(bad, report.GetProperty("kid").GetString());
        Assert.Single(report.GetProperty("gone_ms").EnumerateObject());
        var user = Assert.Single(report.GetProperty("used_by").EnumerateArray());
        Assert.Equal(zone.ApplicationId, user.GetProperty("application_id").GetString());
        Assert.True(user.GetProperty("exchanges").GetInt64() >= 3, output);
        Assert.NotEmpty(user.GetProperty("sessions").EnumerateArray());

        Assert.InRange((await CallAsync(unspent)).Status, 401, 403);
        application = new AgentApplication(wire, zone); // Its own mandate for the Coordinator was one of the old key's.
        var again = await application.ProvisionAsync(zone.Blueprint.Scopes, depth: 1, stop);
        var fresh = await MintAsync(again);
        Assert.Equal(report.GetProperty("new_kid").GetString(), KeyOf(fresh));
        Assert.Equal(200, (await CallAsync(fresh)).Status);

        async Task<string> MintAsync(AgentAuthority held) => (await application.MintAsync(held, zone.Blueprint.Scopes[0], stop)).Require("mint")["access_token"];
        Task<WireAnswer> CallAsync(string mandate) => wire.GovernedAsync(HttpMethod.Get, "/reports", mandate, zone.Blueprint.Resource, stop);
    }

    private static string KeyOf(string mandate) =>
        JsonDocument.Parse(Base64Url.DecodeFromChars(mandate.AsSpan(0, mandate.IndexOf('.', StringComparison.Ordinal)))).RootElement.GetProperty("kid").GetString()!;
}
