using Caracal.Coordinator.Tests.Support;
using Caracal.TestKit;

namespace Caracal.Coordinator.Tests.Health;

/// <summary>coordinator.md 12, 15 and 20.20 on the wire.</summary>
public sealed class HealthTests
{
    private const string Dead = "0198f4a1-0000-7000-8000-000000000001";
    private const string ZoneUuid = "0198f4a1-0000-7000-8000-00000000000a";

    [Fact]
    public async Task Is_unready_while_a_message_is_dead_until_it_is_requeued()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        Assert.Equal("""{"ok":true}""", (await coordinator.GetAsync("/ready", null)).Body);
        await coordinator.ExecuteAsync(
            """
            INSERT INTO caracal_outbox (id, producer, topic, dedupe_key, payload_json, status, attempts, available_at, created_at, updated_at)
            VALUES (@Dead, 'coordinator', 'caracal.agents.lifecycle', 'x', @payload, 'dead', 10, 0, 0, 0)
            """,
            new { Dead, payload = $$"""{"zone_id":"{{ZoneUuid}}","event":"spawn"}""" });
        coordinator.Time.Advance(TimeSpan.FromSeconds(2)); // an answer serves for a second
        var unready = await coordinator.GetAsync("/ready", null);
        Assert.Equal((503, """{"ok":false,"error":"outbox_dead","dependency":"outbox"}"""), (unready.Status, unready.Body));

        (await coordinator.PostAsync("/zones/z1/outbox/x/requeue", coordinator.App1, null)).AssertRefused(403, "coordinator_admin_required");
        (await coordinator.PostAsync("/zones/z1/outbox/x/requeue", TestSettings.OperatorToken, null)).AssertRefused(400, "invalid_body");
        (await coordinator.PostAsync($"/zones/{Dead}/outbox/{Dead}/requeue", TestSettings.OperatorToken, null)).AssertRefused(404, "dead_outbox_not_found");
        var requeued = await coordinator.PostAsync($"/zones/{ZoneUuid}/outbox/{Dead}/requeue", TestSettings.OperatorToken, null);
        Assert.Equal($$"""{"id":"{{Dead}}","status":"pending"}""", requeued.Body);
        await coordinator.NextAsync("caracal.agents.lifecycle", e => e.Value("outbox_id") == Dead);
        coordinator.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(200, (await coordinator.GetAsync("/ready", null)).Status);
    }

    [Fact]
    [Trait("requirement", "R48")]
    public async Task Shows_figures_to_observers_alone()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        await coordinator.PostAsync("/zones/z1/agents", coordinator.App1, """{"application_id":"app1"}""", ("Idempotency-Key", "k"));
        (await coordinator.GetAsync("/metrics", null)).AssertRefused(401, "missing_token");
        (await coordinator.GetAsync("/metrics", coordinator.App1)).AssertRefused(401, "unauthorized");
        (await coordinator.GetAsync("/stats", coordinator.App1)).AssertRefused(403, "operator_token_required");
        var metrics = await coordinator.GetAsync("/metrics", TestSettings.MetricsBearer);
        Assert.Contains("caracal_idempotency_requests_total{outcome=\"created\"} 1\n", metrics.Body);
        Assert.Contains("caracal_idempotency_receipts 1\n", metrics.Body);
        Assert.Contains("caracal_sessions{status=\"active\"} 1\n", metrics.Body);
        Assert.Equal(200, (await coordinator.GetAsync("/metrics", TestSettings.OperatorToken)).Status);
        var stats = (await coordinator.GetAsync("/stats", TestSettings.OperatorToken)).Json;
        Assert.Equal(1, stats.GetProperty("idempotency").GetProperty("rows").GetInt64());
    }

    [Fact]
    public async Task Tells_the_last_figures_and_that_it_is_not_ready_while_the_store_is_away()
    {
        await using var coordinator = await TestCoordinator.StartAsync(engine: Engine.Postgres);
        await coordinator.StartSessionAsync();
        var metrics = (await coordinator.GetAsync("/metrics", TestSettings.MetricsBearer)).Body;
        Assert.Contains("\ncaracal_sessions{status=\"active\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\ncaracal_ready{service=\"coordinator\"} 1\n", metrics, StringComparison.Ordinal);

        await coordinator.Store.CutOffAsync();
        coordinator.Time.Advance(TimeSpan.FromSeconds(16)); // figures serve for fifteen seconds
        var away = await coordinator.GetAsync("/metrics", TestSettings.MetricsBearer);
        Assert.Equal(200, away.Status);
        Assert.Contains("\ncaracal_sessions{status=\"active\"} 1\n", away.Body, StringComparison.Ordinal);
        Assert.Contains("\ncaracal_ready{service=\"coordinator\"} 0\n", away.Body, StringComparison.Ordinal);
        Assert.Contains("\ncaracal_not_ready{service=\"coordinator\",reason=\"postgres_unreachable\"} 1\n", away.Body, StringComparison.Ordinal);
        Assert.Equal(200, (await coordinator.GetAsync("/stats", TestSettings.OperatorToken)).Status);
        var ready = await coordinator.GetAsync("/ready", null);
        Assert.Equal((503, """{"ok":false,"error":"postgres_unreachable","dependency":"postgres"}"""), (ready.Status, ready.Body));
    }

    [Fact]
    public async Task Shows_metrics_to_all_in_dev_when_no_bearer_is_set()
    {
        await using var coordinator = await TestCoordinator.StartAsync(e => e.Remove("METRICS_BEARER"));
        Assert.Equal(200, (await coordinator.GetAsync("/metrics", null)).Status);
        (await coordinator.GetAsync("/stats", null)).AssertRefused(401, "missing_token");
    }
}
