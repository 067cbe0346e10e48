using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Caracal.Keys.Secrets;

namespace Caracal.Stack.Tests;

/// <summary>What metrics say of keys: which slot matched, how old they are, and content that was refused (operations.md 4.1, 6.3).</summary>
public sealed class KeyMetricsTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-keymetrics-");

    private string Secrets => Path.Combine(folder.FullName, "secrets");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Every_service_counts_the_slots_that_match_and_the_api_tells_ages()
    {
        await using var stack = await StartAsync();
        var old = Read("metricsBearer");
        Write("metricsBearer.next", SecretMint.AdminToken());
        var next = Read("metricsBearer.next");
        foreach (var role in StackRoles.Services)
        {
            var url = stack.Urls[role];
            await UntilAsync(url, next, text => Value(text, "caracal_key_slot_matches_total{class=\"metrics-bearer\",slot=\"next\"}") >= 1);
            using var http = new HttpClient();
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "nobody's token");
            using (await http.GetAsync(new Uri(url + "/metrics"))) { }
            var text = await ScrapeAsync(url, old);
            Assert.True(Value(text, "caracal_key_slot_matches_total{class=\"metrics-bearer\",slot=\"current\"}") >= 1, text);
            Assert.True(Value(text, "caracal_key_slot_matches_total{class=\"metrics-bearer\",slot=\"invalid\"}") >= 1, text);
            Assert.Equal(0, Value(text, "caracal_key_slot_matches_total{class=\"metrics-bearer\",slot=\"previous\"}"));
            Assert.Equal(0, Value(text, "caracal_secret_reload_errors_total{class=\"streams-hmac\"}"));
        }

        var api = await ScrapeAsync(stack.Urls[StackRoles.Api], old);
        Assert.InRange(Value(api, "caracal_key_age_seconds{class=\"streams-hmac\"}")!.Value, 0, 600);
        Assert.Equal(365 * 86_400, Value(api, "caracal_key_max_age_seconds{class=\"streams-hmac\"}"));
        Assert.Contains("# TYPE caracal_rotation_open_seconds gauge", api, StringComparison.Ordinal);

        Write("streamsHmacKey.next", "no hex at all");
        foreach (var role in StackRoles.Services)
        {
            await UntilAsync(stack.Urls[role], old, text => Value(text, "caracal_secret_reload_errors_total{class=\"streams-hmac\"}") >= 1);
        }
    }

    [Fact]
    public async Task Every_service_tells_from_where_a_previous_value_came()
    {
        await using var stack = await StartAsync();
        foreach (var (file, role, path) in (IEnumerable<(string, string, string)>)
            [.. StackRoles.Services.Select(role => ("metricsBearer", role, "/metrics")), ("caracalAdminToken", StackRoles.Api, "/v1/operations/keys"), ("caracalCoordinatorToken", StackRoles.Coordinator, "/stats")])
        {
            var old = SecretMint.AdminToken();
            Write(file + ".previous", old);
            var (classId, url) = (SecretFiles.Generated.Single(known => known.FileName == file).ClassId, stack.Urls[role]);
            using var limit = new CancellationTokenSource(Limit);
            string[] from;
            do
            {
                Assert.False(limit.IsCancellationRequested, $"{role} tells nothing of {classId}");
                using var http = new HttpClient();
                http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", old);
                using (await http.GetAsync(new Uri(url + path))) { }
                using var keys = System.Text.Json.JsonDocument.Parse(await ScrapeAsync(url, Read("metricsBearer"), "/internal/keys"));
                from = keys.RootElement.GetProperty("classes").GetProperty(classId).TryGetProperty("previous_users", out var users)
                    ? [.. users.EnumerateArray().Select(user => user.GetString()!)] : [];
            }
            while (from.Length == 0);
            Assert.Equal(["127.0.0.1"], from);
            File.Delete(Path.Combine(Secrets, file + ".previous"));
        }
    }

    private static double? Value(string text, string series) =>
        text.Split('\n').FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal)) is { } line
            ? double.Parse(line.AsSpan(series.Length + 1), CultureInfo.InvariantCulture)
            : null;

    private static async Task UntilAsync(string url, string token, Func<string, bool> holds)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (await ScrapeAsync(url, token) is var text && !holds(text))
        {
            Assert.False(limit.IsCancellationRequested, text);
            await Task.Delay(100);
        }
    }

    private static async Task<string> ScrapeAsync(string url, string token, string path = "/metrics")
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.GetAsync(new Uri(url + path));
        return await answer.Content.ReadAsStringAsync();
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
                },
                DataDirectory = Path.Combine(folder.FullName, "data"),
                Log = TextWriter.Null,
            },
            default);
    }

    private string Read(string file) => File.ReadAllText(Path.Combine(Secrets, file)).Trim();

    private void Write(string file, string value) => SecretFolder.WriteOwnerOnly(Path.Combine(Secrets, file), Encoding.UTF8.GetBytes(value));
}
