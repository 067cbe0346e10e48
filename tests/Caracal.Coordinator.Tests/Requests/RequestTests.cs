using Caracal.Coordinator.Tests.Support;
using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.Coordinator.Tests.Requests;

/// <summary>coordinator.md 2 on the wire: bodies, ids, request ids, paging, limits.</summary>
public sealed class RequestTests
{
    private const string Agents = "/zones/z1/agents";

    [Fact]
    public async Task Refuses_bodies_it_cannot_read()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var token = coordinator.App1;
        (await coordinator.PostAsync(Agents, token, "{")).AssertRefused(400, "invalid_request");
        (await coordinator.PostAsync(Agents, token, "{\"application_id\":\"a\\u0000\"}")).AssertRefused(400, "invalid_request");
        (await coordinator.PostAsync(Agents, token, "{\"application_id\":\"\\ud800\"}")).AssertRefused(400, "invalid_request");
        (await coordinator.SendAsync("POST", Agents, token, "a=b", "application/x-www-form-urlencoded")).AssertRefused(415, "unsupported_media_type");
        (await coordinator.PostAsync(Agents, token, new string(' ', 300 * 1024))).AssertRefused(413, "payload_too_large");
        (await coordinator.PostAsync(Agents, token, "[1]")).AssertRefused(400, "invalid_body");
        (await coordinator.PostAsync(Agents, token, "null")).AssertRefused(400, "invalid_body");
    }

    [Fact]
    public async Task Names_every_field_that_failed()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var answer = await coordinator.PostAsync(Agents, coordinator.App1,
            """{"labels":["ok","   "],"lifecycle":"service","ttl_seconds":5,"metadata":[],"parent_authority":"some"}""");
        answer.AssertRefused(400, "invalid_body");
        Assert.Equal("Request body failed validation", answer.Json.GetProperty("error_description").GetString());
        var paths = answer.Json.GetProperty("details").GetProperty("issues").EnumerateArray()
            .Select(issue => string.Join('.', issue.GetProperty("path").EnumerateArray().Select(p => p.GetString()))).ToHashSet();
        Assert.Equal(new HashSet<string> { "application_id", "labels.1", "ttl_seconds", "metadata", "parent_authority" }, paths!);

        await AssertLabelsRefusedAsync(coordinator, string.Join(',', Enumerable.Repeat("\"x\"", 33)));
        await AssertLabelsRefusedAsync(coordinator, $"\"{new string('x', 65)}\"");
    }

    [Fact]
    public async Task Echoes_a_request_id_it_can_trust_and_makes_one_otherwise()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var known = await coordinator.SendAsync("GET", Agents, coordinator.App1, headers: ("x-request-id", "req:1.a_b-C"));
        Assert.Equal("req:1.a_b-C", known.Headers["x-request-id"]);
        var odd = await coordinator.SendAsync("GET", Agents, coordinator.App1, headers: ("x-request-id", "no spaces please"));
        Assert.True(Guid.TryParse(odd.Headers["x-request-id"], out _));
    }

    [Fact]
    public async Task Refuses_ids_pages_and_filters_that_are_none()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var token = coordinator.App1;
        (await coordinator.GetAsync($"{Agents}/a%20b", token)).AssertRefused(400, "invalid_params");
        (await coordinator.GetAsync($"{Agents}/a%2Fb", token)).AssertRefused(400, "invalid_params");
        foreach (var query in new[] { "limit=0", "limit=501", "limit=x", "limit=1&limit=2", "status=sleeping", "lifecycle=x", "label=", "cursor=a%20b" })
        {
            (await coordinator.GetAsync($"{Agents}?{query}", token)).AssertRefused(400, "invalid_query");
        }

        (await coordinator.GetAsync($"{Agents}?cursor=unknown", token)).AssertRefused(400, "invalid_cursor");
    }

    [Fact]
    public async Task Pages_from_the_newest_on()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var ids = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            ids.Add(await coordinator.StartSessionAsync(more: $$""","labels":["n{{i}}"]"""));
        }

        var first = await coordinator.GetAsync($"{Agents}?limit=2", coordinator.App1);
        Assert.Equal([ids[2], ids[1]], Ids(first));
        Assert.Equal(ids[1], first.Json.GetProperty("next_cursor").GetString());
        var second = await coordinator.GetAsync($"{Agents}?limit=2&cursor={ids[1]}", coordinator.App1);
        Assert.Equal([ids[0]], Ids(second));
        Assert.Null(second.Json.GetProperty("next_cursor").GetString());
        Assert.Equal([ids[1]], Ids(await coordinator.GetAsync($"{Agents}?label=n1", coordinator.App1)));
        Assert.Empty(Ids(await coordinator.GetAsync($"{Agents}?application_id=app2&status=active", coordinator.App1)));
    }

    [Fact]
    public async Task Counts_each_client_for_itself_and_the_unknown_by_address()
    {
        await using var coordinator = await TestCoordinator.StartAsync(e => e["COORDINATOR_RATE_LIMIT_PER_MIN"] = "3");
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(200, (await coordinator.GetAsync(Agents, coordinator.App1)).Status);
            (await coordinator.GetAsync(Agents, null)).AssertRefused(401, "missing_token");
        }

        var limited = await coordinator.GetAsync(Agents, coordinator.App1);
        limited.AssertRefused(429, "rate_limited");
        Assert.InRange(int.Parse(limited.Headers["retry-after"]), 1, 60);
        (await coordinator.GetAsync(Agents, null)).AssertRefused(429, "rate_limited");
        Assert.Equal(200, (await coordinator.GetAsync(Agents, coordinator.Token("app2"))).Status);
        Assert.Equal(200, (await coordinator.GetAsync("/health", null)).Status);
    }

    [Fact]
    public async Task Goes_on_serving_and_counting_while_the_shared_state_is_away()
    {
        using var inner = new InProcessState(TimeProvider.System);
        var state = new LosableState(inner);
        await using var coordinator = await TestCoordinator.StartAsync(e => e["COORDINATOR_RATE_LIMIT_PER_MIN"] = "2", state);
        state.IsLost = true;
        Assert.Equal(200, (await coordinator.GetAsync("/health", null)).Status);
        var ready = await coordinator.GetAsync("/ready", null);
        Assert.Equal((503, """{"ok":false,"error":"redis_unreachable","dependency":"redis"}"""), (ready.Status, ready.Body));
        var id = await coordinator.StartSessionAsync();
        Assert.Equal(204, (await coordinator.SendAsync("DELETE", $"{Agents}/{id}", coordinator.App1)).Status);
        (await coordinator.GetAsync(Agents, coordinator.App1)).AssertRefused(429, "rate_limited");
    }

    [Fact]
    public async Task Hands_out_nothing_while_nobody_is_sure_of_the_time()
    {
        await using var coordinator = await TestCoordinator.StartAsync(clockFails: true);
        (await coordinator.PostAsync(Agents, coordinator.App1, """{"application_id":"app1"}""")).AssertRefused(503, "clock_unusable");
        (await coordinator.PostAsync("/zones/z1/delegations", coordinator.App1, "{}")).AssertRefused(503, "clock_unusable");
        (await coordinator.SendAsync("PATCH", "/zones/z1/delegations/e/revoke", coordinator.App1)).AssertRefused(404, "delegation_not_found");
        (await coordinator.SendAsync("DELETE", $"{Agents}/s", coordinator.App1)).AssertRefused(404, "session_not_found");
    }

    private static async Task AssertLabelsRefusedAsync(TestCoordinator coordinator, string labels) =>
        (await coordinator.PostAsync(Agents, coordinator.App1, $$"""{"application_id":"app1","labels":[{{labels}}]}""")).AssertRefused(400, "invalid_body");

    private static IEnumerable<string?> Ids(Answer page) =>
        page.Json.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("agent_session_id").GetString());

    // The port to Redis, which goes away when told to.
    private sealed class LosableState(InProcessState inner) : ISharedState
    {
        public bool IsLost { get; set; }

        private InProcessState Inner => IsLost ? throw new StreamsUnavailableException("away") : inner;

        public ValueTask<bool> TryAddAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken) => Inner.TryAddAsync(key, value, lifetime, cancellationToken);

        public ValueTask<long> IncrementAsync(string key, TimeSpan window, CancellationToken cancellationToken) => Inner.IncrementAsync(key, window, cancellationToken);

        public ValueTask<string?> GetAsync(string key, CancellationToken cancellationToken) => Inner.GetAsync(key, cancellationToken);

        public ValueTask SetAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken) => Inner.SetAsync(key, value, lifetime, cancellationToken);

        public ValueTask<string?> TakeAsync(string key, CancellationToken cancellationToken) => Inner.TakeAsync(key, cancellationToken);

        public ValueTask DeleteAsync(string key, CancellationToken cancellationToken) => Inner.DeleteAsync(key, cancellationToken);

        public ValueTask PingAsync(CancellationToken cancellationToken) => Inner.PingAsync(cancellationToken);
    }
}
