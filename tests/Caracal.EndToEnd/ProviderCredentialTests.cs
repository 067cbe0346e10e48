using System.Collections.Concurrent;
using System.Text.Json;
using Caracal.Cli.Bench;
using Caracal.Cli.Client;
using Caracal.Cli.Processes;
using Caracal.Stack;

namespace Caracal.EndToEnd;

/// <summary>An upstream's key changes while agents call it, and nobody notices, not even when the new one is bad for more than a moment.</summary>
public sealed class ProviderCredentialTests
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_governed_call_fails_while_a_credential_is_staged_proven_shifted_and_retired_and_a_bad_one_comes_out_by_itself()
    {
        await using var upstream = await KeyedUpstream.StartAsync(Stop, "old-key-value", "new-key-value");
        using var files = new PrivateStack(null, BenchStack.Limits);
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };
        using var outbound = new HttpMessageInvoker(handler);
        var log = TextWriter.Synchronized(new StringWriter());
        await using var stack = await CaracalStack.StartAsync(
            new StackOptions { Variables = files.Variables, DataDirectory = files.Data, Log = log, Outbound = outbound }, Stop);
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var zone = await GovernedZone.CreateAsync(wire, files.AdminToken, new ZoneBlueprint { Name = "keys", UpstreamUrl = upstream.Url, ApiKey = "old-key-value" }, Stop);
        var providers = await ApiAsync(HttpMethod.Get, $"/v1/zones/{zone.ZoneId}/providers");
        var path = $"/v1/zones/{zone.ZoneId}/providers/{providers.Body.GetProperty("items")[0].GetProperty("id").GetString()}/credential";
        await using var load = await CallerLoad.StartAsync(wire, zone);

        Assert.Equal("staged", (await StepAsync("stage", """{"config_json":{"api_key":"new-key-value"}}""")).Require("stage")["state"]);
        Assert.Equal(0, upstream.CallsWith("new-key-value"));
        var proven = (await StepAsync("canary")).Require("canary");
        Assert.Equal("proven", proven["state"]);
        await load.PassAsync(50);
        (await StepAsync("shift", """{"observe_seconds":10}""")).Require("shift");

        // Calls that had begun finish with the old one; from then on none does.
        await load.PassAsync(50);
        var old = upstream.CallsWith("old-key-value");
        await load.PassAsync(50);
        Assert.Equal(old, upstream.CallsWith("old-key-value"));
        Assert.Equal(409, (await StepAsync("retire")).Status);
        WireAnswer retired;
        while ((retired = await StepAsync("retire")).Status == 409) await Task.Delay(Look, Stop); // the API limits who asks without a pause
        retired.Require("retire");
        await load.PassAsync(10);
        upstream.Keys.TryRemove("old-key-value", out _);
        await load.PassAsync(50);
        Assert.Equal("", load.Failures);

        // A bad one: the canary says so, and nothing changes; forced in, it comes out by itself.
        (await StepAsync("stage", """{"config_json":{"api_key":"bad-key-value"}}""")).Require("stage");
        Assert.Equal("auth_failed", (await StepAsync("canary")).Require("canary").Body.GetProperty("canary").GetProperty("status").GetString());
        Assert.Equal(409, (await StepAsync("shift")).Status);
        await load.PassAsync(50);
        Assert.Equal("", load.Failures);
        (await StepAsync("shift", """{"force":true,"observe_seconds":60}""")).Require("forced shift");
        WireAnswer seen;
        do
        {
            await Task.Delay(Look, Stop);
            seen = await ApiAsync(HttpMethod.Get, path);
        }
        while (seen["state"] == "shifted");
        Assert.Equal(("fell_back", true), (seen["state"], seen.Body.GetProperty("refusals").GetInt64() >= 5));
        await load.PassAsync(20);
        var refused = load.Failed;
        Assert.True(refused >= 5, $"{refused} calls were refused");
        await load.PassAsync(100);
        Assert.Equal(refused, load.Failed);
        TestContext.Current.TestOutputHelper?.WriteLine($"{load.Passed} calls, {refused} refused before the bad credential was out");

        await load.StopAsync();
        await stack.DisposeAsync();
        Assert.DoesNotContain("-key-value", log.ToString()!, StringComparison.Ordinal);

        Task<WireAnswer> ApiAsync(HttpMethod method, string at, string? body = null) => wire.ApiAsync(method, at, files.AdminToken, body, Stop);

        Task<WireAnswer> StepAsync(string step, string body = "{}") => ApiAsync(HttpMethod.Post, $"{path}/{step}", body);
    }

    [Fact]
    public async Task One_command_changes_a_credential_another_goes_step_by_step_and_neither_prints_a_value()
    {
        await using var upstream = await KeyedUpstream.StartAsync(Stop, "old-key-value", "new-key-value");
        using var files = new PrivateStack(null, BenchStack.Limits);
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };
        using var outbound = new HttpMessageInvoker(handler);
        await using var stack = await CaracalStack.StartAsync(
            new StackOptions { Variables = files.Variables, DataDirectory = files.Data, Log = TextWriter.Null, Outbound = outbound }, Stop);
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var zone = await GovernedZone.CreateAsync(wire, files.AdminToken, new ZoneBlueprint { Name = "keys", UpstreamUrl = upstream.Url, ApiKey = "old-key-value" }, Stop);
        var listed = await wire.ApiAsync(HttpMethod.Get, $"/v1/zones/{zone.ZoneId}/providers", files.AdminToken, null, Stop);
        var provider = listed.Body.GetProperty("items")[0].GetProperty("identifier").GetString()!;
        using var caracal = new CaracalCommand();
        caracal.With("CARACAL_SECRETS_DIR", files.Secrets).With("CARACAL_API_URL", stack.Urls["api"]).With("CARACAL_ENV", "development");
        var printed = new System.Text.StringBuilder();
        await using var load = await CallerLoad.StartAsync(wire, zone);

        // A credential that waits is proven or not, and dropped.
        Assert.Contains("none", await RunAsync(0, null, "status"), StringComparison.Ordinal);
        Assert.Contains("begins like a JSON object", await RunAsync(1, "{\"api_key\":bad-key-value", "stage"), StringComparison.Ordinal);
        Assert.Contains("staged", await RunAsync(0, "bad-key-value\n", "stage"), StringComparison.Ordinal);
        Assert.Contains("refused the credential with 401", await RunAsync(1, null, "canary"), StringComparison.Ordinal);
        Assert.Contains("credential_not_proven", await RunAsync(1, null, "shift"), StringComparison.Ordinal);
        Assert.Contains("discarded", await RunAsync(0, null, "abort"), StringComparison.Ordinal);
        Assert.Contains("credential_not_staged", await RunAsync(1, null, "abort"), StringComparison.Ordinal);
        Assert.Equal("", load.Failures);

        // One command for all of it, while calls go on.
        var path = Path.Combine(caracal.Folder, "new-key");
        await File.WriteAllTextAsync(path, """{"api_key":"new-key-value"}""", Stop);
        var lines = (await RunAsync(0, null, "rotate", "--from", path, "--observe", "10", "--json")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["staged", "proven", "shifted", "shifted", "retired"], lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("state").GetString()));
        Assert.Equal("", load.Failures);

        // One that is forced in and refused is taken back by itself, and the command says why.
        await RunAsync(0, "bad-key-value", "stage", "--from", "-");
        await RunAsync(0, null, "shift", "--observe", "60", "--force");
        Assert.Contains("fell_back: refused by upstreams; there was no canary to ask", await RunAsync(1, null, "observe"), StringComparison.Ordinal);
        Assert.Contains("fell_back", await RunAsync(0, null, "status"), StringComparison.Ordinal);
        await RunAsync(0, "bad-key-value", "stage");
        await RunAsync(0, null, "shift", "--observe", "60", "--manual", "--force");
        Assert.Contains("the test aborts", await RunAsync(0, null, "abort", "--reason", "the test aborts"), StringComparison.Ordinal);
        var refused = load.Failed;
        await load.PassAsync(100);
        Assert.InRange(load.Failed, refused, refused + 4); // Those that had begun.
        Assert.DoesNotContain("-key-value", printed.ToString(), StringComparison.Ordinal);

        async Task<string> RunAsync(int expected, string? input, string step, params string[] more)
        {
            var (exit, output, error) = await caracal.RunWithInputAsync(input, ["credential", step, zone.ZoneId, provider, .. more]);
            Assert.True(exit == expected, $"{step}: {exit} {output} {error}");
            printed.Append(output).Append(error);
            return output + error;
        }
    }

    /// <summary>Four callers that mint and spend one mandate after the other.</summary>
    private sealed class CallerLoad : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly ConcurrentDictionary<string, int> _failures = new(StringComparer.Ordinal);
        private readonly List<Task> _callers = [];
        private long _passed;

        public long Passed => Interlocked.Read(ref _passed);

        public int Failed => _failures.Values.Sum();

        public string Failures => JsonSerializer.Serialize(_failures) is "{}" ? "" : JsonSerializer.Serialize(_failures);

        public static async Task<CallerLoad> StartAsync(WireClient wire, GovernedZone zone)
        {
            var load = new CallerLoad();
            var application = new AgentApplication(wire, zone);
            for (var i = 0; i < 4; i++)
            {
                var authority = await application.ProvisionAsync(zone.Blueprint.Scopes, depth: 1, Stop);
                load._callers.Add(Task.Run(() => load.CallAsync(wire, zone, application, authority), Stop));
            }

            return load;
        }

        /// <summary>Waits until so many more calls have ended.</summary>
        public async Task PassAsync(int calls)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
            limit.CancelAfter(TimeSpan.FromSeconds(30));
            for (var until = Passed + calls; Passed < until;) await Task.Delay(5, limit.Token);
        }

        public async Task StopAsync()
        {
            await _end.CancelAsync();
            await Task.WhenAll(_callers);
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _end.Dispose();
        }

        private async Task CallAsync(WireClient wire, GovernedZone zone, AgentApplication application, AgentAuthority authority)
        {
            while (!_end.IsCancellationRequested)
            {
                var minted = await application.MintAsync(authority, zone.Blueprint.Scopes[0], Stop);
                var answer = minted.IsSuccess
                    ? await wire.GovernedAsync(HttpMethod.Get, "/reports", minted["access_token"], zone.Blueprint.Resource, Stop)
                    : minted;
                if (!answer.IsSuccess) _failures.AddOrUpdate($"{answer.Status}", 1, (_, count) => count + 1);
                Interlocked.Increment(ref _passed);
            }
        }
    }
}
