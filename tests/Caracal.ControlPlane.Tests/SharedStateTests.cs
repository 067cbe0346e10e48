using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.ControlPlane.Tests;

public sealed class SharedStateTests
{
    [Fact]
    public async Task Keeps_serving_and_limiting_while_the_shared_state_is_away()
    {
        await using var api = await ApiHost.StartAsync(
            new Dictionary<string, string?> { ["ADMIN_AUTH_FAIL_LIMIT_PER_MIN"] = "2" }, shared: new AwayState());
        var ready = await api.GetAsync("/ready", token: null);
        Assert.Equal(503, ready.Status);
        Assert.Equal("""{"ok":false,"error":"redis_unreachable","dependency":"redis"}""", ready.Text);
        Assert.Equal(200, (await api.GetAsync("/health", token: null)).Status);
        var zone = await api.ZoneAsync();
        var application = await api.ApplicationAsync(zone);
        await Authority.SeedAsync(api, zone, application, "user-1");
        Assert.Equal(200, (await api.PostAsync($"/v1/zones/{zone}/subjects/revoke", """{"subject_id":"user-1"}""")).Status);
        Assert.NotEmpty(await api.AnnouncedAsync("caracal.sessions.revoke"));
        var statuses = new List<int>();
        for (var i = 0; i < 4; i++) statuses.Add((await api.GetAsync("/v1/zones", "wrong")).Status);
        Assert.Equal(429, statuses[^1]);
    }
}

/// <summary>A Redis nobody reaches.</summary>
internal sealed class AwayState : ISharedState
{
    public ValueTask<bool> TryAddAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken) => throw Fault();

    public ValueTask<long> IncrementAsync(string key, TimeSpan window, CancellationToken cancellationToken) => throw Fault();

    public ValueTask<string?> GetAsync(string key, CancellationToken cancellationToken) => throw Fault();

    public ValueTask SetAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken) => throw Fault();

    public ValueTask<string?> TakeAsync(string key, CancellationToken cancellationToken) => throw Fault();

    public ValueTask DeleteAsync(string key, CancellationToken cancellationToken) => throw Fault();

    public ValueTask PingAsync(CancellationToken cancellationToken) => throw Fault();

    private static StreamsUnavailableException Fault() => new("away", new IOException("away"));
}
