using Caracal.Hosting.Metrics;

namespace Caracal.Hosting.Tests;

public sealed class HttpFiguresTests
{
    [Fact]
    public void Requests_are_counted_by_route_and_status_and_their_times_form_a_histogram()
    {
        var registry = new MetricsRegistry();
        var figures = new HttpFigures(registry);
        figures.Count("/v1/zones/{zoneId}", 200, TimeSpan.FromMilliseconds(3));
        registry.Gauge("caracal_between", () => 1);
        figures.Count("/v1/zones/{zoneId}", 200, TimeSpan.FromMilliseconds(5)); // a bound belongs to its bucket
        figures.Count(null, 404, TimeSpan.FromMinutes(1));

        var lines = registry.ToText().Split('\n');

        Assert.Contains("caracal_http_requests_total{route=\"/v1/zones/{zoneId}\",status=\"200\"} 2", lines);
        Assert.Contains("caracal_http_requests_total{route=\"none\",status=\"404\"} 1", lines);
        Assert.Single(lines, "# TYPE caracal_http_request_duration_seconds histogram");
        foreach (var (bound, count) in new[] { ("0.0025", 0), ("0.005", 2), ("30", 2), ("+Inf", 3) })
        {
            Assert.Contains($"caracal_http_request_duration_seconds_bucket{{le=\"{bound}\"}} {count}", lines);
        }

        Assert.Contains("caracal_http_request_duration_seconds_sum 60.008", lines);
        Assert.Contains("caracal_http_request_duration_seconds_count 3", lines);

        // All of one name stand together, however late a label came.
        Assert.Equal(
            Array.FindIndex(lines, line => line.StartsWith("caracal_http_requests_total", StringComparison.Ordinal)) + 1,
            Array.FindLastIndex(lines, line => line.StartsWith("caracal_http_requests_total", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Many_at_once_lose_no_request()
    {
        var registry = new MetricsRegistry();
        var figures = new HttpFigures(registry);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 1000; i++) figures.Count("/r", 200, TimeSpan.FromMilliseconds(1));
        })));

        Assert.Contains("caracal_http_requests_total{route=\"/r\",status=\"200\"} 8000\n", registry.ToText(), StringComparison.Ordinal);
        Assert.Contains("caracal_http_request_duration_seconds_count 8000\n", registry.ToText(), StringComparison.Ordinal);
    }
}
