using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using Caracal.Cli.Bench;
using Caracal.Cli.Client;
using Caracal.Evidence.Checkpoints;
using Caracal.Keys.Secrets;

namespace Caracal.EndToEnd;

/// <summary>From the answer of a governed call to a proof of its event, over a real stack and the real command.</summary>
public sealed class ReceiptTests
{
    [Fact]
    public async Task The_receipt_of_an_answer_is_proven_once_its_event_is_signed()
    {
        var stop = TestContext.Current.CancellationToken;
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        await using var upstream = await LoopbackUpstream.StartAsync(remember: false, stop);
        await using var stack = await BenchStack.StartAsync(null, stop, new Dictionary<string, string?>(BenchStack.Limits, StringComparer.Ordinal)
        {
            ["AUDIT_RECEIPTS"] = "true",
            ["AUDIT_CHECKPOINT_EVENTS"] = "1",
            ["AUDIT_ADMIN_TOKEN"] = token,
        });
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var zone = await GovernedZone.CreateAsync(
            wire, stack.AdminToken, new ZoneBlueprint { Name = "receipts", UpstreamUrl = upstream.Url, ApiKey = "key" }, stop);
        var receipt = await CallAsync(stack, wire, zone, stop);

        using var caracal = new CaracalCommand();
        caracal.With("CARACAL_AUDIT_URL", stack.Urls["audit"]).With("CARACAL_SECRETS_DIR", stack.Files.Secrets).With("AUDIT_ADMIN_TOKEN", token).With("CARACAL_MODE", "dev");
        var signer = new NoteSigner("caracal", Convert.FromHexString(stack.Files.Secret(SecretFiles.AuditCheckpointKey)));
        string[] words = ["audit", "verify", "--receipt", receipt, "--checkpoint-key", signer.Key.ToString(), "--json"];
        var answer = await caracal.RunAsync(words);
        for (var tries = 0; answer.Exit == 3 && tries < 30; tries++)
        {
            await Task.Delay(200, stop); // the journal ships, and a checkpoint is signed, within about a second
            answer = await caracal.RunAsync(words);
        }

        Assert.True(answer.Exit == 0, answer.Output + answer.Error);
        var told = JsonDocument.Parse(answer.Output).RootElement;
        Assert.Equal(("proven", "valid", zone.ZoneId), (told.GetProperty("result").GetString(), told.GetProperty("receipt_mac").GetString(), told.GetProperty("zone_id").GetString()));
        Assert.Contains("sha256=:", receipt, StringComparison.Ordinal);
    }

    private static async Task<string> CallAsync(BenchStack stack, WireClient wire, GovernedZone zone, CancellationToken stop)
    {
        var application = new AgentApplication(wire, zone);
        var scopes = zone.Blueprint.Scopes;
        var authority = await application.ProvisionAsync([.. scopes], 1, stop);
        var mandate = (await application.MintAsync(authority, scopes[0], stop)).Require("mint")["access_token"];
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, stack.Urls["gateway"] + "/reports");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", mandate);
        request.Headers.Add("X-Caracal-Resource", zone.Blueprint.Resource);
        using var answer = await http.SendAsync(request, stop);
        answer.EnsureSuccessStatusCode();
        return answer.Headers.GetValues("X-Caracal-Receipt").Single();
    }
}
