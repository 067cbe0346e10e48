using Caracal.Keys.Rings;
using Caracal.Storage.Custody;
using Caracal.TestKit;

namespace Caracal.Sts.Tests;

public sealed class HealthTests
{
    [Fact]
    [Trait("requirement", "R48")]
    public async Task Is_healthy_and_ready()
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal(200, (await sts.GetAsync("/health")).Status);
        var ready = await sts.GetAsync("/ready");
        Assert.Equal((200, "True"), (ready.Status, ready.Text("ready")));
        Assert.Equal(404, (await sts.GetAsync("/nowhere")).Status);
        Assert.Equal(405, (await sts.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/health"))).Status);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Is_not_ready_and_does_not_start_with_a_key_that_the_store_was_not_sealed_with(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var (ours, others) = (sts.Settings.Kek, KekRing.Of([.. Enumerable.Range(1, 32).Select(i => (byte)i)]));
        await KekCanary.PlantAsync(sts.Owner, ours, DateTimeOffset.UtcNow, default);
        await using (await sts.ReplicaAsync())
        {
            // It starts with the right one.
        }

        await sts.SqlAsync("DELETE FROM secret_store");
        await KekCanary.PlantAsync(sts.Owner, others, DateTimeOffset.UtcNow, default);
        Assert.Equal(KekCanary.Fault, (await Assert.ThrowsAsync<InvalidOperationException>(sts.ReplicaAsync)).Message);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Answer ready;
        do
        {
            limit.Token.ThrowIfCancellationRequested();
            ready = await sts.GetAsync("/ready"); // An answer is kept for a second.
        }
        while (ready.Status == 200);
        Assert.Equal("kek_unavailable", ready.Text("reason"));
        var metrics = await sts.Client.GetStringAsync("/metrics", limit.Token);
        Assert.Contains("\ncaracal_not_ready{service=\"sts\",reason=\"kek_unavailable\"} 1\n", metrics, StringComparison.Ordinal);
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
