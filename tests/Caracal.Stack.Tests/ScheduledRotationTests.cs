using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Caracal.Evidence.Rotations;
using Caracal.Keys.Secrets;

namespace Caracal.Stack.Tests;

/// <summary>Two tokens reach their age in a whole stack: real heartbeats, files, checks and doors; only its clock is moved.</summary>
public sealed class ScheduledRotationTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-scheduled-");
    private readonly StringWriter log = new();
    private readonly AheadOfTime time = new();

    private string Secrets => Path.Combine(folder.FullName, "secrets");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Values_that_reach_their_age_are_rotated_verified_and_retired_one_class_after_the_other()
    {
        await using var stack = await StartAsync();
        var api = stack.Urls[StackRoles.Api];
        var (admin, metrics) = (Read("caracalAdminToken"), Read("metricsBearer"));
        Assert.Equal(HttpStatusCode.OK, await LookAsync(api + "/v1/zones", admin));
        time.Advance(TimeSpan.FromDays(30.5)); // The other is not due yet.
        var first = await UntilAsync(api, "admin-token", "verified");
        Assert.Equal("caracal:schedule", first.GetProperty("actor").GetString());
        Assert.NotEqual(admin, Read("caracalAdminToken"));
        Assert.Equal(HttpStatusCode.OK, await LookAsync(api + "/v1/zones", admin));
        Assert.Equal(HttpStatusCode.OK, await LookAsync(api + "/v1/zones", Read("caracalAdminToken")));
        Assert.Equal(metrics, Read("metricsBearer")); // One class at a time.
        await BeatAsync(api);

        time.Advance(TimeSpan.FromMinutes(61));
        await UntilAsync(api, "admin-token", "retired");
        Assert.Equal(HttpStatusCode.Unauthorized, await LookAsync(api + "/v1/zones", admin));
        time.Advance(TimeSpan.FromHours(12));
        await UntilAsync(api, "metrics-bearer", "verified");
        await BeatAsync(api);
        time.Advance(TimeSpan.FromMinutes(61));
        await UntilAsync(api, "metrics-bearer", "retired");
        foreach (var url in stack.Urls.Where(url => url.Key != StackRoles.Console)) Assert.Equal(HttpStatusCode.Unauthorized, await LookAsync(url.Value + "/metrics", metrics));

        var evidence = (await AskAsync($"{api}/v1/operations/rotations/{first.GetProperty("id").GetString()}/evidence", Read("caracalAdminToken"))).Text;
        var lines = evidence.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Null(RotationLine.FirstBreak(lines));
        Assert.Equal(["prepared", "deployed", "rolled", "verified", "retired", "checked"], lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()));
        var fresh = Read("caracalAdminToken");
        await stack.StopAsync();
        Assert.Contains("\"event\":\"key_rotation\"", log.ToString().Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.All((string[])[admin, metrics, fresh], value => Assert.DoesNotContain(value, log + evidence, StringComparison.Ordinal));
        Assert.Empty(Directory.EnumerateFiles(Secrets, "*.previous").Concat(Directory.EnumerateFiles(Secrets, "*.next")));
    }

    private Task<CaracalStack> StartAsync()
    {
        SecretFolder.Provision(Secrets);
        SecretFolder.Prepare(Path.Combine(folder.FullName, "data"));
        return CaracalStack.StartAsync(
            new StackOptions
            {
                Variables = new Dictionary<string, string?>(FreePorts.Variables(), StringComparer.Ordinal)
                {
                    ["CARACAL_MODE"] = "dev",
                    ["CARACAL_SECRETS_DIR"] = Secrets,
                    ["SECRETS_RELOAD_SECONDS"] = "1",
                    ["ROTATION_SOAK_SECONDS"] = "0",
                    ["ROTATION_PROBE_INTERVAL_MS"] = "10",
                    ["ROTATION_SCHEDULE"] = "on",
                    ["ROTATION_SCHEDULE_NOTICE_HOURS"] = "0",
                    ["ROTATION_SCHEDULE_WINDOW"] = "always",
                    ["ROTATION_SCHEDULE_ROLLBACK_SECONDS"] = "1800",
                    ["ROTATION_SCHEDULE_POLL_SECONDS"] = "1",
                    ["ROTATION_SCHEDULE_CLASSES"] = "admin-token=30d; metrics-bearer=31d; zone-kek=off; audit-hmac=off; streams-hmac=off; gateway-sts-hmac=off; idempotency-hmac=off",
                },
                DataDirectory = Path.Combine(folder.FullName, "data"),
                Log = TextWriter.Synchronized(log),
                Time = time,
            },
            default);
    }

    private async Task<JsonElement> UntilAsync(string api, string classId, string state)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (true)
        {
            var (status, text) = await AskAsync($"{api}/v1/operations/rotations?class={classId}", Read("caracalAdminToken"));
            if (status == HttpStatusCode.OK && JsonDocument.Parse(text).RootElement.GetProperty("items").EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } rotation
                && rotation.GetProperty("state").GetString() == state)
            {
                // A retired value is gone when the checks after its retirement are written down.
                if (state != "retired" || (await AskAsync($"{api}/v1/operations/rotations/{rotation.GetProperty("id").GetString()}/evidence", Read("caracalAdminToken"))).Text.Contains("\"event\":\"checked\"", StringComparison.Ordinal)) return rotation;
            }

            if (limit.IsCancellationRequested) Assert.Fail($"{classId} is not {state}: {text} {(await AskAsync($"{api}/v1/operations/keys", Read("caracalAdminToken"))).Text}");
            await Task.Delay(100);
        }
    }

    // Every instance has reported since now: the use of an old value is of the time before, and not of the time it is moved to.
    private async Task BeatAsync(string api)
    {
        var now = time.GetUtcNow();
        using var limit = new CancellationTokenSource(Limit);
        while (JsonDocument.Parse((await AskAsync($"{api}/v1/operations/instances", Read("caracalAdminToken"))).Text).RootElement.GetProperty("items").EnumerateArray()
            .Any(row => row.GetProperty("last_seen").GetDateTimeOffset() <= now)) await Task.Delay(100, limit.Token);
    }

    private static async Task<HttpStatusCode> LookAsync(string url, string token) => (await AskAsync(url, token)).Status;

    private static async Task<(HttpStatusCode Status, string Text)> AskAsync(string url, string token)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.GetAsync(new Uri(url));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private string Read(string file) => File.ReadAllText(Path.Combine(Secrets, file)).Trim();

    private sealed class AheadOfTime : TimeProvider
    {
        private TimeSpan ahead;

        public void Advance(TimeSpan by) => ahead += by;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + ahead;
    }
}
