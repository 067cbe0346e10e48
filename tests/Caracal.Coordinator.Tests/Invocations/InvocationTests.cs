using Caracal.Coordinator.Tests.Support;
using Caracal.Protocol;
using Caracal.TestKit;

namespace Caracal.Coordinator.Tests.Invocations;

/// <summary>coordinator.md 9 on the wire.</summary>
public sealed class InvocationTests
{
    private const string Invocations = "/zones/z1/invocations";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Runs_fails_runs_again_and_succeeds(Engine engine)
    {
        await using var coordinator = await TestCoordinator.StartAsync(engine: engine);
        await coordinator.Streams.EnsureGroupAsync(Topics.InvocationsLifecycle, "test", fromBeginning: true, shared: false, default);
        var service = await RegisterAsync(coordinator);
        var (a, b) = (await coordinator.StartSessionAsync("app2"), await coordinator.StartSessionAsync(more: ",\"lifecycle\":\"service\""));
        var created = await coordinator.PostAsync(Invocations, coordinator.Token("app2"), BodyOf(service, "k1", $",\"source_session_id\":\"{a}\",\"target_session_id\":\"{b}\",\"params\":[1],\"metadata\":{{\"m\":1}}"));
        Assert.Equal((201, "pending", 0), (created.Status, Text(created, "status"), created.Json.GetProperty("attempts").GetInt32()));
        Assert.False(created.Json.TryGetProperty("params_json", out _));
        Assert.Equal("""{"max_attempts":3,"backoff_ms":1000}""", created.Json.GetProperty("retry_policy_json").GetRawText());
        var id = Text(created, "id");

        var replay = await coordinator.PostAsync(Invocations, coordinator.Token("app2"), BodyOf(service, "k1", $",\"source_session_id\":\"{a}\",\"target_session_id\":\"{b}\",\"params\":[1],\"metadata\":{{\"m\":1}}"));
        Assert.Equal((201, id, "true"), (replay.Status, Text(replay, "id"), replay.Headers["idempotency-replayed"]));
        (await coordinator.PostAsync(Invocations, coordinator.Token("app2"), BodyOf(service, "k1", $",\"source_session_id\":\"{a}\""))).AssertRefused(409, "idempotency_key_conflict");

        var running = await StepAsync(coordinator, id, "start");
        Assert.Equal(("running", 1), (Text(running, "status"), running.Json.GetProperty("attempts").GetInt32()));
        (await StepAsync(coordinator, id, "start")).AssertRefused(409, "invocation_not_startable");
        Assert.Equal("failed", Text(await StepAsync(coordinator, id, "complete", """{"status":"failed","error":{"code":7},"metadata":{"n":2}}"""), "status"));
        (await StepAsync(coordinator, id, "start")).AssertRefused(409, "invocation_not_startable"); // its backoff
        coordinator.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, (await StepAsync(coordinator, id, "start")).Json.GetProperty("attempts").GetInt32());
        Assert.Equal("succeeded", Text(await StepAsync(coordinator, id, "complete", """{"status":"succeeded"}"""), "status"));
        (await StepAsync(coordinator, id, "complete", """{"status":"failed"}""")).AssertRefused(409, "invocation_not_completable");
        (await StepAsync(coordinator, id, "cancel")).AssertRefused(409, "invocation_not_cancelable");

        foreach (var name in new[] { "created", "started", "failed", "started", "succeeded" })
        {
            var message = await coordinator.NextAsync(Topics.InvocationsLifecycle, e => e.Value("event") == $"invocation.{name}");
            Assert.Equal((service, id), (message.Value("service_id"), message.Value("invocation_id")));
        }

        // Lists: filters, and the session at either end.
        foreach (var query in new[] { "status=succeeded", $"service_id={service}", $"session_id={a}", $"session_id={b}" })
        {
            var item = Assert.Single((await coordinator.GetAsync($"{Invocations}?{query}", coordinator.App1)).Json.GetProperty("items").EnumerateArray());
            Assert.False(item.TryGetProperty("retry_policy_json", out _));
        }

        Assert.Equal(0, (await coordinator.GetAsync($"{Invocations}?status=pending", coordinator.App1)).Json.GetProperty("items").GetArrayLength());
        (await coordinator.GetAsync($"{Invocations}?status=unknown", coordinator.App1)).AssertRefused(400, "invalid_query");
        Assert.Contains("caracal_invocations_total{status=\"succeeded\"} 1", (await coordinator.GetAsync("/metrics", TestSettings.MetricsBearer)).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Ends_what_outlives_its_deadline_and_what_nobody_starts(Engine engine)
    {
        await using var coordinator = await TestCoordinator.StartAsync(engine: engine);
        var service = await RegisterAsync(coordinator);
        var retried = Text(await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf(service, "a", ",\"timeout_ms\":1000")), "id");
        var last = Text(await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf(service, "b", ",\"timeout_ms\":1000,\"retry_policy\":{\"max_attempts\":1}")), "id");
        var pending = Text(await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf(service, "c")), "id");
        await StepAsync(coordinator, retried, "start");
        await StepAsync(coordinator, last, "start");
        coordinator.Time.Advance(TimeSpan.FromMilliseconds(1_001));
        await Task.WhenAll(coordinator.RunJobAsync("invocation_deadline"), coordinator.RunJobAsync("invocation_deadline"));
        Assert.Equal(("failed", "timed_out", "pending"), (await StatusAsync(coordinator, retried), await StatusAsync(coordinator, last), await StatusAsync(coordinator, pending)));
        Assert.Contains("deadline_exceeded", await coordinator.ScalarAsync<string>("SELECT error_json FROM agent_invocations WHERE id = @last", new { last }), StringComparison.Ordinal);
        Assert.Equal(1, await coordinator.ScalarAsync<long>("SELECT count(*) FROM caracal_outbox WHERE dedupe_key LIKE 'invocation.timed_out:%'"));

        coordinator.Time.Advance(TimeSpan.FromHours(24));
        await coordinator.RunJobAsync("invocation_deadline");
        Assert.Equal("timed_out", await coordinator.ScalarAsync<string>("SELECT status FROM agent_invocations WHERE id = @pending", new { pending }));
        coordinator.Time.Advance(TimeSpan.FromDays(91));
        await coordinator.CleanAsync();
        Assert.Equal(0, await coordinator.ScalarAsync<long>("SELECT count(*) FROM agent_invocations"));
    }

    [Fact]
    public async Task Cancels_before_the_start_and_asks_afterwards()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var service = await RegisterAsync(coordinator);
        var waiting = Text(await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf(service, "a")), "id");
        Assert.Equal("canceled", Text(await StepAsync(coordinator, waiting, "cancel", """{"reason":"no"}"""), "status"));
        var running = Text(await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf(service, "b")), "id");
        await StepAsync(coordinator, running, "start");
        var asked = await StepAsync(coordinator, running, "cancel");
        Assert.Equal("cancel_requested", Text(asked, "status"));
        Assert.NotNull(asked.Json.GetProperty("cancel_requested_at").GetString());
        Assert.Equal("failed", Text(await StepAsync(coordinator, running, "complete", """{"status":"failed"}"""), "status"));
        coordinator.Time.Advance(TimeSpan.FromMinutes(1));
        (await StepAsync(coordinator, running, "start")).AssertRefused(409, "invocation_not_startable");
    }

    [Fact]
    public async Task Refuses_strangers_dead_sessions_and_bad_bodies()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var service = await RegisterAsync(coordinator);
        (await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf("unknown", "k"))).AssertRefused(404, "agent_service_not_found");
        (await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf(service, "k", ",\"target_session_id\":\"unknown\""))).AssertRefused(404, "session_not_found");
        (await coordinator.PostAsync(Invocations, coordinator.Token("app2"), BodyOf(service, "k"))).AssertRefused(403, "invoker_ownership_required");
        (await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf(service, " k"))).AssertRefused(400, "idempotency_key_invalid");
        foreach (var bad in new[] { ",\"timeout_ms\":0", ",\"timeout_ms\":900001", ",\"retry_policy\":{\"max_attempts\":11}", ",\"retry_policy\":3", ",\"metadata\":1" })
        {
            (await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf(service, "k", bad))).AssertRefused(400, "invalid_body");
        }

        var ended = await coordinator.StartSessionAsync();
        await coordinator.SendAsync("DELETE", $"/zones/z1/agents/{ended}", coordinator.App1);
        (await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf(service, "k", $",\"source_session_id\":\"{ended}\""))).AssertRefused(404, "session_not_found");
        Assert.Equal(0, await coordinator.ScalarAsync<long>("SELECT count(*) FROM agent_invocations"));

        var id = Text(await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf(service, "k")), "id");
        foreach (var step in new[] { "start", "cancel", "complete" })
        {
            (await coordinator.SendAsync("PATCH", $"{Invocations}/{id}/{step}", coordinator.Token("app2"), """{"status":"failed"}""")).AssertRefused(403, "invoker_ownership_required");
            (await StepAsync(coordinator, "unknown", step, """{"status":"failed"}""")).AssertRefused(404, "invocation_not_found");
        }

        (await coordinator.GetAsync($"{Invocations}/{id}", coordinator.Token("app2"))).AssertRefused(404, "invocation_not_found");
        Assert.Equal(0, (await coordinator.GetAsync(Invocations, coordinator.Token("app2"))).Json.GetProperty("items").GetArrayLength());
        Assert.Equal(200, (await coordinator.GetAsync($"{Invocations}/{id}", coordinator.Token("app2", "coordinator.invoke_from:app1"))).Status);

        // The operator may list, and nothing else (20.3).
        Assert.Equal(1, (await coordinator.GetAsync(Invocations, TestSettings.OperatorToken)).Json.GetProperty("items").GetArrayLength());
        (await coordinator.GetAsync($"{Invocations}/{id}", TestSettings.OperatorToken)).AssertRefused(401, "invalid_token");
    }

    [Fact]
    public async Task Limits_the_calls_of_a_client_and_replays_all_the_same()
    {
        await using var coordinator = await TestCoordinator.StartAsync(e => e["INVOCATION_RATE_LIMIT_PER_MIN"] = "1");
        var service = await RegisterAsync(coordinator);
        var first = await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf(service, "k"));
        Assert.Equal(201, first.Status);
        Assert.Equal(201, (await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf(service, "k"))).Status);
        (await coordinator.PostAsync(Invocations, coordinator.App1, BodyOf(service, "k2"))).AssertRefused(429, "rate_limited");
        (await StepAsync(coordinator, Text(first, "id"), "start")).AssertRefused(429, "rate_limited");
        coordinator.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(200, (await StepAsync(coordinator, Text(first, "id"), "start")).Status);
    }

    private static string BodyOf(string? service, string key, string more = "") =>
        $$"""{"service_id":"{{service}}","idempotency_key":"{{key}}","method":"m"{{more}}}""";

    private static async Task<string?> RegisterAsync(TestCoordinator coordinator) =>
        Text(await coordinator.PostAsync("/zones/z1/agent-services", coordinator.App1, """{"application_id":"app1","endpoint_url":"https://a.example/"}"""), "id");

    private static Task<Answer> StepAsync(TestCoordinator coordinator, string? id, string step, string? body = null) =>
        coordinator.SendAsync("PATCH", $"{Invocations}/{id}/{step}", coordinator.App1, body);

    private static async Task<string?> StatusAsync(TestCoordinator coordinator, string? id) =>
        Text(await coordinator.GetAsync($"{Invocations}/{id}", coordinator.App1), "status");

    private static string? Text(Answer answer, string name) => answer.Json.GetProperty(name).GetString();
}
