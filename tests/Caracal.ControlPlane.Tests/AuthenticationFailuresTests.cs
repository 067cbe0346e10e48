namespace Caracal.ControlPlane.Tests;

public sealed class AuthenticationFailuresTests
{
    [Fact]
    public async Task Are_told_of_at_most_once_a_second_with_their_number()
    {
        var time = new MovableTime();
        using var log = new StringWriter();
        await using var api = await ApiHost.StartAsync(time: time, log: TextWriter.Synchronized(log));
        Assert.Equal(401, (await api.GetAsync("/v1/zones", "wrong")).Status);
        Assert.Single(Lines(log));
        for (var i = 0; i < 20; i++) await api.GetAsync("/v1/zones", "wrong");
        time.Advance(TimeSpan.FromSeconds(30));
        await api.GetAsync("/v1/zones", "wrong");
        var lines = Lines(log);
        Assert.InRange(lines.Count, 2, 4); // the twenty may have taken more than a second
        Assert.Contains("\"client_ip\":\"127.0.0.1\"", lines[0], StringComparison.Ordinal);
        Assert.Equal(22, lines.Sum(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("failures").GetInt64()));
        Assert.DoesNotContain("wrong", string.Concat(lines), StringComparison.Ordinal);
        var metrics = (await api.GetAsync("/metrics", token: null)).Text;
        Assert.Contains("\ncaracal_api_authentication_failures_total 22\n", metrics, StringComparison.Ordinal);
        foreach (var name in (string[])["emitted", "dropped", "sampled"]) Assert.Contains($"# TYPE caracal_log_{name}_total counter\n", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("\ncaracal_log_emitted_total 0\n", metrics, StringComparison.Ordinal);
    }

    private static List<string> Lines(StringWriter log) =>
        [.. log.ToString().Split('\n').Where(line => line.Contains("\"event\":\"admin_auth_failed\"", StringComparison.Ordinal))];
}
