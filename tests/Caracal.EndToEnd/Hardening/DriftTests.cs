using System.Globalization;
using Caracal.Cli.Servers;
using Caracal.Stack;

namespace Caracal.EndToEnd.Hardening;

public sealed class DriftTests
{
    [Fact]
    public async Task One_of_two_APIs_runs_the_hardening_checks_and_tells_how_they_stand()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var fleet = await LocalFleet.StartAsync(
            replicas: 2, new Dictionary<string, string?>(StringComparer.Ordinal) { ["HARDENING_WATCH_SECONDS"] = "1" }, stop, [StackRoles.Api]);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        var looked = new double[2];
        while (looked.All(at => at == 0))
        {
            await Task.Delay(200, limit.Token);
            for (var i = 0; i < 2; i++) looked[i] = await ReadAsync(fleet, i, "caracal_hardening_last_run_unix");
        }

        Assert.Single(looked, at => at > 0);
        var leader = Array.FindIndex(looked, at => at > 0);
        Assert.True(await ReadAsync(fleet, leader, "caracal_hardening_checks{status=\"fail\"}") > 0); // it runs in dev, among others
        Assert.Equal(0, await ReadAsync(fleet, 1 - leader, "caracal_hardening_checks{status=\"fail\"}"));
        Assert.Contains("H-MODE-1", await File.ReadAllTextAsync(fleet.Find(StackRoles.Api, leader).Log, stop), StringComparison.Ordinal);
        Assert.Equal(1, await ReadAsync(fleet, leader, "caracal_build_info"));
    }

    private static async Task<double> ReadAsync(LocalFleet fleet, int replica, string name)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, fleet.Find(StackRoles.Api, replica).Url + "/metrics");
        request.Headers.Authorization = new("Bearer", fleet.Files.MetricsToken);
        using var answer = await http.SendAsync(request);
        var line = (await answer.Content.ReadAsStringAsync()).Split('\n').Single(line => line.StartsWith(name, StringComparison.Ordinal));
        return double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }
}
