using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Threading.Channels;
using Caracal.Keys.Secrets;
using Caracal.Stack.Hardening;

namespace Caracal.Stack.Tests.Hardening;

public sealed class DriftWatchTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-drift-");
    private readonly StringWriter log = new();
    private readonly Channel<InspectedCheck[]> looks = Channel.CreateUnbounded<InspectedCheck[]>();
    private int asked;

    private string Metrics => File.ReadAllText(Path.Combine(folder.FullName, "secrets", "metricsBearer"));

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Tells_what_fails_now_and_did_not_before_also_over_a_restart()
    {
        await using (var stack = await StartAsync("1"))
        {
            // The first look of all: whatever fails is new.
            await LookAsync(("H-A", "fail"), ("H-B", "ok"), ("H-C", "warn"));
            await UntilAsync(stack, "caracal_hardening_drift_total", 1);
            await LookAsync(("H-A", "fail"), ("H-B", "fail"), ("H-C", "not_evaluated"));
            await UntilAsync(stack, "caracal_hardening_drift_total", 2);
            Assert.Equal((2, 0, 1), (await ReadAsync(stack, "caracal_hardening_checks{status=\"fail\"}"), await ReadAsync(stack, "caracal_hardening_checks{status=\"ok\"}"), await ReadAsync(stack, "caracal_hardening_checks{status=\"not_evaluated\"}")));
            Assert.InRange(await ReadAsync(stack, "caracal_hardening_last_run_unix"), DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 60, DateTimeOffset.UtcNow.ToUnixTimeSeconds());

            // Not seen is not mended, and seen again not new.
            await LookAsync(("H-A", "ok"), ("H-B", "not_evaluated"));
            await LookAsync(("H-A", "ok"), ("H-B", "fail"));
            await UntilAsync(stack, "caracal_hardening_checks{status=\"fail\"}", 1);
            Assert.Equal(2, await ReadAsync(stack, "caracal_hardening_drift_total"));
        }

        await using (var stack = await StartAsync("1"))
        {
            await LookAsync(("H-A", "fail"), ("H-B", "fail"));
            await UntilAsync(stack, "caracal_hardening_drift_total", 1);
        }

        var told = log.ToString().Split('\n').Where(line => line.Contains("hardening_drift", StringComparison.Ordinal)).ToList();
        Assert.Equal(["H-A", "H-B", "H-A"], told.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("check").GetString()));
    }

    [Fact]
    public async Task Off_looks_at_nothing_and_a_look_that_throws_is_followed_by_the_next()
    {
        await using (var stack = await StartAsync(null))
        {
            Assert.Equal(0, await ReadAsync(stack, "caracal_hardening_interval_seconds"));
            Assert.Equal(0, asked);
        }

        await using (var stack = await StartAsync("1"))
        {
            looks.Writer.TryWrite([]); // throws
            await LookAsync(("H-A", "fail"));
            await UntilAsync(stack, "caracal_hardening_drift_total", 1);
        }

        Assert.Contains("hardening-watch", log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_role_tells_its_posture_to_who_holds_the_metrics_token_and_to_others_has_no_such_route()
    {
        await using var stack = await StartAsync(null);
        using var http = new HttpClient();
        foreach (var (role, url) in stack.Urls)
        {
            using var stranger = await http.GetAsync(new Uri(url + "/internal/posture"), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.NotFound, stranger.StatusCode);

            using var request = new HttpRequestMessage(HttpMethod.Get, url + "/internal/posture");
            request.Headers.Authorization = new("Bearer", Metrics);
            using var known = await http.SendAsync(request, TestContext.Current.CancellationToken);
            var text = await known.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            var posture = JsonDocument.Parse(text).RootElement;
            Assert.Equal((role, "dev"), (posture.GetProperty("service").GetString(), posture.GetProperty("mode").GetString()));
            Assert.Equal("127.0.0.1", posture.GetProperty("settings").GetProperty("HOST").GetString());
            if (role == StackRoles.Sts) Assert.Equal("file", posture.GetProperty("secret_sources").GetProperty("zone-kek").GetString());
            foreach (var secret in Directory.GetFiles(Path.Combine(folder.FullName, "secrets"))) Assert.DoesNotContain((await File.ReadAllTextAsync(secret, TestContext.Current.CancellationToken)).Trim(), text, StringComparison.Ordinal);
        }
    }

    private async Task<CaracalStack> StartAsync(string? seconds)
    {
        SecretFolder.Provision(Path.Combine(folder.FullName, "secrets"));
        SecretFolder.Prepare(Path.Combine(folder.FullName, "data"));
        var variables = new Dictionary<string, string?>(FreePorts.Variables(), StringComparer.Ordinal)
        {
            ["CARACAL_MODE"] = "dev",
            ["CARACAL_SECRETS_DIR"] = Path.Combine(folder.FullName, "secrets"),
            ["HARDENING_WATCH_SECONDS"] = seconds,
            ["HOST"] = "127.0.0.1",
        };
        return await CaracalStack.StartAsync(
            new StackOptions { Variables = variables, DataDirectory = Path.Combine(folder.FullName, "data"), Log = TextWriter.Synchronized(log), Inspect = InspectAsync },
            TestContext.Current.CancellationToken);
    }

    private async Task<IReadOnlyList<InspectedCheck>> InspectAsync(CancellationToken stop)
    {
        Interlocked.Increment(ref asked);
        var seen = await looks.Reader.ReadAsync(stop);
        return seen.Length > 0 ? seen : throw new InvalidOperationException("this look fails");
    }

    private async Task LookAsync(params (string Id, string Status)[] seen)
    {
        var before = Volatile.Read(ref asked);
        looks.Writer.TryWrite([.. seen.Select(check => new InspectedCheck(check.Id, check.Status, "seen"))]);
        while (looks.Reader.Count > 0 || Volatile.Read(ref asked) == before) await Task.Delay(20, TestContext.Current.CancellationToken);
    }

    private async Task UntilAsync(CaracalStack stack, string name, double expected)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (await ReadAsync(stack, name) != expected) await Task.Delay(50, limit.Token);
    }

    private async Task<double> ReadAsync(CaracalStack stack, string name)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, stack.Urls[StackRoles.Api] + "/metrics");
        request.Headers.Authorization = new("Bearer", Metrics);
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var line = (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split('\n').Single(line => line.StartsWith(name + " ", StringComparison.Ordinal));
        return double.Parse(line[(name.Length + 1)..], CultureInfo.InvariantCulture);
    }
}
