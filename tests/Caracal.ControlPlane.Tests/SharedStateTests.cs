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

    [Theory]
    [InlineData(false, new[] { 200, 200, 429, 429 })]
    [InlineData(true, new[] { 503, 503, 503, 503 })]
    public async Task Limits_probes_of_an_address_but_never_while_only_this_process_counts(bool isAway, int[] expected)
    {
        await using var api = await ApiHost.StartAsync(
            new Dictionary<string, string?> { ["READY_RATE_LIMIT_PER_MIN"] = "2", ["TRUST_PROXY"] = "true", ["TRUSTED_PROXIES"] = "127.0.0.0/8" },
            shared: isAway ? new AwayState() : null, time: new StandingTime());
        var statuses = new List<int>();
        for (var i = 0; i < expected.Length; i++)
        {
            statuses.Add((await api.SendAsync("GET", "/ready", null, token: null, headers: ("X-Forwarded-For", "203.0.113.9"))).Status);
        }

        Assert.Equal(expected, statuses);
        Assert.Equal(isAway ? 503 : 200, (await api.GetAsync("/ready", token: null)).Status); // loopback
    }

    // A minute that does not end while the test counts in it.
    private sealed class StandingTime : TimeProvider
    {
        private readonly DateTimeOffset _now = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds() / 60 * 60);

        public override DateTimeOffset GetUtcNow() => _now;
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
