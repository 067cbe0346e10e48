namespace Caracal.Sts.Tests;

public sealed class HealthTests
{
    [Fact]
    public async Task Is_healthy_and_ready()
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal(200, (await sts.GetAsync("/health")).Status);
        var ready = await sts.GetAsync("/ready");
        Assert.Equal((200, "True"), (ready.Status, ready.Text("ready")));
        Assert.Equal(404, (await sts.GetAsync("/nowhere")).Status);
        Assert.Equal(405, (await sts.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/health"))).Status);
    }

    [Fact]
    public async Task Metrics_need_their_token_once_there_is_one()
    {
        await using var sts = await StsHarness.StartAsync(("METRICS_BEARER", "metrics-0123456789-abcdefghijklmnopq"));
        Assert.Equal(401, (await sts.GetAsync("/metrics")).Status);
        var request = new HttpRequestMessage(HttpMethod.Get, "/metrics.json");
        request.Headers.Add("Authorization", "Bearer metrics-0123456789-abcdefghijklmnopq");
        var metrics = await sts.SendAsync(request);
        Assert.Equal(200, metrics.Status);
        Assert.Equal("2026-07-12", metrics.Body.GetProperty("opa").GetProperty("decision_contract_version").GetString());
        Assert.Equal(0, metrics.Body.GetProperty("audit_dropped").GetInt64());
    }

    [Fact]
    public async Task Metrics_count_what_happened()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.MintAsync();
        var text = await sts.Client.GetStringAsync("/metrics");
        Assert.Contains("caracal_sts_graph_traversals_total 1", text, StringComparison.Ordinal);
        Assert.Contains("caracal_sts_exchanges_total{outcome=\"granted\"} 1", text, StringComparison.Ordinal);
        Assert.Contains("caracal_sts_opa_eval_total 1", text, StringComparison.Ordinal);
    }
}
