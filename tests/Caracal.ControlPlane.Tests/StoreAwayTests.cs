using Caracal.Storage.Privileges;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

public sealed class StoreAwayTests
{
    [Fact]
    public async Task Tells_the_last_figures_and_that_it_is_not_ready_while_the_store_is_away()
    {
        var time = new MovableTime();
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Api);
        await using var api = await ApiHost.StartAsync(store: store, time: time);
        await api.ExecuteAsync(
            "INSERT INTO event_outbox (id, stream_name, payload_json, attempts, available_at, created_at) VALUES ('dead', 's', '{}', 100, 'infinity', now())");
        Assert.Contains("\ncaracal_api_outbox_dead_total 1\n", (await api.GetAsync("/metrics", token: null)).Text, StringComparison.Ordinal);

        await store.CutOffAsync();
        time.Advance(TimeSpan.FromSeconds(2));
        var metrics = await api.GetAsync("/metrics", token: null);
        Assert.Equal(200, metrics.Status);
        Assert.Contains("\ncaracal_api_outbox_dead_total 1\n", metrics.Text, StringComparison.Ordinal);
        Assert.Contains("\ncaracal_ready{service=\"api\"} 0\n", metrics.Text, StringComparison.Ordinal);
        Assert.Contains("\ncaracal_not_ready{service=\"api\",reason=\"postgres_unreachable\"} 1\n", metrics.Text, StringComparison.Ordinal);
        Assert.Equal(200, (await api.GetAsync("/metrics.json", token: null)).Status);
        var ready = await api.GetAsync("/ready", token: null);
        Assert.Equal((503, """{"ok":false,"error":"postgres_unreachable","dependency":"postgres"}"""), (ready.Status, ready.Text));
    }
}
