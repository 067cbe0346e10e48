using System.Diagnostics;
using System.Net;
using Caracal.Sdk.Tests.Support;

namespace Caracal.Sdk.Tests;

/// <summary>sdk.md 14, the checks that need services which fail on demand.</summary>
public sealed class SessionWireTests : IDisposable
{
    private readonly ScriptedServices _services = new();

    public void Dispose() => _services.Dispose();

    [Fact]
    public async Task A_block_session_is_one_start_with_a_generated_key_and_one_end()
    {
        await using var client = CaracalClient.FromOptions(_services.Options);
        await client.RunSessionAsync((_, _) => Task.CompletedTask, new AgentSessionOptions { Task = "audit", Labels = ["a"] });
        var start = Assert.Single(_services.To("POST", "/agents"));
        Assert.Equal("generated", start.Headers["Idempotency-Key-Kind"]);
        Assert.True(Guid.TryParse(start.Headers["Idempotency-Key"], out _));
        Assert.Equal("""{"application_id":"app1","metadata":{"task":"audit"},"labels":["a"],"parent_authority":"inherit"}""", start.Body);
        Assert.Equal("Bearer token-1", start.Headers["Authorization"]);
        var end = Assert.Single(_services.To("DELETE", "/agents/s-1"));
        Assert.Equal("", end.Body);
        Assert.Equal(start.Headers["traceparent"].Split('-')[1], end.Headers["traceparent"].Split('-')[1]);
        Assert.NotEqual(start.Headers["traceparent"], end.Headers["traceparent"]);
    }

    [Fact]
    public async Task Where_spans_are_recorded_each_call_is_one_of_the_session_s_trace()
    {
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Caracal.Sdk",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(listener);
        await using var client = CaracalClient.FromOptions(_services.Options);
        var session = "";
        await client.RunSessionAsync((_, _) =>
        {
            session = Activity.Current!.Id!;
            return Task.CompletedTask;
        });
        var calls = _services.To("POST", "/agents").Concat(_services.To("DELETE", "/agents/s-1")).Select(call => call.Headers["traceparent"]).ToArray();
        Assert.Equal(2, calls.Length);
        Assert.Equal(3, calls.Append(session).Distinct().Count());
        Assert.Single(calls.Append(session).Select(parent => parent.Split('-')[1]).Distinct());
    }

    [Fact]
    public async Task A_start_that_is_answered_5xx_is_repeated_under_the_same_key()
    {
        var failures = 2;
        _services.Answer = sent => sent.Path.EndsWith("/agents", StringComparison.Ordinal) && failures-- > 0 ? ScriptedServices.Json(503, """{"error":"busy"}""") : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        await client.RunSessionAsync((_, _) => Task.CompletedTask);
        Assert.Equal(3, _services.To("POST", "/agents").Count);
        Assert.Single(_services.To("POST", "/agents").Select(sent => sent.Headers["Idempotency-Key"]).Distinct());
    }

    [Fact]
    public async Task A_start_that_is_answered_401_gets_one_new_token_and_one_more_try()
    {
        var refusals = 1;
        _services.Answer = sent => sent.Path.EndsWith("/agents", StringComparison.Ordinal) && refusals-- > 0 ? ScriptedServices.Json(401, """{"error":"identity_revoked"}""") : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        await client.RunSessionAsync((_, _) => Task.CompletedTask);
        Assert.Equal(2, _services.To("POST", "/token").Count);
        Assert.Equal(["Bearer token-1", "Bearer token-2"], _services.To("POST", "/agents").Select(sent => sent.Headers["Authorization"]));
    }

    [Fact]
    public async Task Other_refusals_are_final()
    {
        _services.Answer = sent => sent.Path.EndsWith("/agents", StringComparison.Ordinal) ? ScriptedServices.Json(429, """{"error":"session_limit_exceeded","request_id":"r-9"}""") : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        var refused = await Assert.ThrowsAsync<CoordinatorException>(() => client.RunSessionAsync((_, _) => Task.CompletedTask));
        Assert.Equal(("session_limit_exceeded", "r-9", 429, true), (refused.Code, refused.RequestId, refused.HttpStatus, refused.IsRetryable));
        Assert.Single(_services.To("POST", "/agents"));
    }

    [Fact]
    public async Task A_wait_the_service_asks_for_is_kept_and_bounded()
    {
        var time = new SteppedTime();
        var failures = 1;
        _services.Answer = sent =>
        {
            if (!sent.Path.EndsWith("/agents", StringComparison.Ordinal) || failures-- <= 0) return null;
            var busy = ScriptedServices.Json(503, """{"error":"busy"}""");
            busy.Headers.RetryAfter = new(TimeSpan.FromSeconds(60));
            return busy;
        };
        await using var client = CaracalClient.FromOptions(_services.Options with { Time = time });
        await client.RunSessionAsync((_, _) => Task.CompletedTask);
        Assert.Equal(TimeSpan.FromSeconds(10), Assert.Single(time.Delays));
    }

    [Fact]
    public async Task What_the_body_threw_is_what_the_caller_sees()
    {
        _services.Answer = sent => sent.Method == "DELETE" ? ScriptedServices.Json(500, """{"error":"internal"}""") : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => client.RunSessionAsync((_, _) => throw new TimeZoneNotFoundException()));
        var cleanup = await Assert.ThrowsAsync<CoordinatorException>(() => client.RunSessionAsync((_, _) => Task.CompletedTask));
        Assert.Equal(("DELETE", 500), (cleanup.Method, cleanup.HttpStatus));
    }

    [Theory]
    [InlineData(404, "session_not_found")]
    [InlineData(409, "already_terminated")]
    [InlineData(409, "session_lease_fenced")]
    public async Task An_end_that_has_happened_already_is_no_error(int status, string code)
    {
        _services.Answer = sent => sent.Method == "DELETE" ? ScriptedServices.Json(status, $$"""{"error":"{{code}}"}""") : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        await client.RunSessionAsync((_, _) => Task.CompletedTask);
    }

    [Fact]
    public async Task A_cancelled_body_still_ends_its_session()
    {
        using var stop = new CancellationTokenSource();
        await using var client = CaracalClient.FromOptions(_services.Options);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.RunSessionAsync(
            async (_, inner) =>
            {
                await stop.CancelAsync();
                inner.ThrowIfCancellationRequested();
            },
            cancellationToken: stop.Token));
        Assert.Single(_services.To("DELETE", "/agents/s-1"));
    }

    [Fact]
    public async Task A_narrowed_child_is_delegated_to_by_its_parent_under_a_key_and_ended_when_that_is_refused()
    {
        await using var client = CaracalClient.FromOptions(_services.Options);
        var child = new AgentSessionOptions { Authority = Authority.Narrow(["read"], 60, "resource://a", allowChildren: true), IdempotencyKey = "k1" };
        await client.RunSessionAsync((_, stop) => client.RunSessionAsync((context, _) =>
        {
            Assert.Equal(("edge-1", 1), (context.DelegationId, context.Hop));
            return Task.CompletedTask;
        }, child, stop));
        var edge = Assert.Single(_services.To("POST", "/delegations"));
        Assert.Equal("narrow:k1", edge.Headers["Idempotency-Key"]);
        Assert.Equal(
            """{"source_session_id":"s-1","target_session_id":"s-2","issuer_application_id":"app1","receiver_application_id":"app1","resource_id":"resource://a","scopes":["read"],"constraints":{"max_hops":2},"ttl_seconds":60}""",
            edge.Body);
        Assert.Contains("\"parent_authority\":\"none\"", _services.To("POST", "/agents")[1].Body, StringComparison.Ordinal);

        _services.Answer = sent => sent.Path.EndsWith("/delegations", StringComparison.Ordinal) ? ScriptedServices.Json(403, """{"error":"delegation_exceeds_parent_authority"}""") : null;
        await Assert.ThrowsAsync<CoordinatorException>(() => client.RunSessionAsync((_, stop) => client.RunSessionAsync((_, _) => Task.CompletedTask, child, stop)));
        Assert.Single(_services.To("DELETE", "/agents/s-4"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.RunSessionAsync((_, _) => Task.CompletedTask, child));
        Assert.Throws<ArgumentException>(() => Authority.Narrow(["read"], 60));
    }

    [Fact]
    public async Task A_heartbeat_that_says_suspended_stops_the_beats_and_a_fenced_one_is_told_once()
    {
        var status = "suspended";
        _services.Answer = sent => sent.Path.EndsWith("/heartbeat", StringComparison.Ordinal)
            ? status == "suspended"
                ? ScriptedServices.Json(200, """{"agent":{"status":"suspended","heartbeat_deadline_at":"2030-01-01T00:00:00Z","lease_generation":1}}""")
                : ScriptedServices.Json(409, """{"error":"session_lease_fenced"}""")
            : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        var changed = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var handle = await client.StartSessionAsync(new ServiceSessionOptions { HeartbeatInterval = TimeSpan.FromMilliseconds(5) });
        handle.StateChanged += (_, now) => changed.TrySetResult(now);
        Assert.Equal("suspended", await changed.Task.WaitAsync(TimeSpan.FromSeconds(10)));
        var beats = _services.To("POST", "/heartbeat").Count;
        Assert.Equal("""{"status":"healthy","lease_generation":1}""", _services.To("POST", "/heartbeat")[0].Body);

        status = "fenced";
        var losses = 0;
        handle.LeaseLost += (_, _) => losses++;
        for (var i = 0; i < 2; i++) await Assert.ThrowsAsync<CoordinatorException>(() => handle.HeartbeatAsync());
        Assert.Equal((1, beats + 2), (losses, _services.To("POST", "/heartbeat").Count));
        await handle.DisposeAsync();
        await handle.DisposeAsync();
        Assert.Equal("""{"lease_generation":1}""", Assert.Single(_services.To("DELETE", "/agents/s-service")).Body);
    }

    [Fact]
    public async Task Beats_come_at_about_a_third_of_the_lease()
    {
        var time = new SteppedTime();
        _services.Answer = sent => sent.Path.EndsWith("/heartbeat", StringComparison.Ordinal) ? ScriptedServices.Json(409, """{"error":"session_not_live"}""") : null;
        await using var client = CaracalClient.FromOptions(_services.Options with { Time = time });
        await using var handle = await client.StartSessionAsync();
        await time.Delayed.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.InRange(time.Delays[0].TotalSeconds, 8.5, 11.1);
    }

    [Fact]
    public async Task A_wait_for_an_approval_survives_polls_that_fail()
    {
        var states = new Queue<HttpResponseMessage>([ScriptedServices.Json(503, "{}"), ScriptedServices.Json(200, """{"state":"pending"}"""), ScriptedServices.Json(200, """{"state":"approved"}""")]);
        _services.Answer = sent => sent.Path.StartsWith("/approvals/", StringComparison.Ordinal) ? states.Dequeue() : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        Assert.Equal("approved", await client.WaitForApprovalAsync("ap/1"));
        Assert.Equal("/approvals/ap%2F1", _services.All[0].Path);
        Assert.False(_services.All[0].Headers.ContainsKey("Authorization"));
    }

    [Fact]
    public async Task A_persons_token_is_exchanged_without_a_resource_and_never_cached()
    {
        // {"alg":"ES256"} . {"sid":"ar-7"} . a signature that nobody here checks
        _services.Answer = sent => sent.Path == "/oauth/2/token" ? ScriptedServices.Json(200, """{"access_token":"eyJhbGciOiJFUzI1NiJ9.eyJzaWQiOiJhci03In0.AAAA","expires_in":60}""") : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        for (var i = 0; i < 2; i++) Assert.Equal("ar-7", (await client.FederateSubjectAsync("id-token")).AuthorityRecordId);
        Assert.Equal(2, _services.All.Count);
        Assert.Contains("subject_token=id-token&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token", _services.All[0].Body, StringComparison.Ordinal);
        Assert.DoesNotContain("resource=", _services.All[0].Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_who_need_the_lifecycle_token_ask_once()
    {
        await using var client = CaracalClient.FromOptions(_services.Options);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.RunSessionAsync((_, _) => Task.CompletedTask)));
        var exchange = Assert.Single(_services.To("POST", "/token"));
        Assert.Contains("resource=resource%3A%2F%2Fa&resource=resource%3A%2F%2Fb&scope=agent%3Alifecycle", exchange.Body, StringComparison.Ordinal);
        client.Invalidate();
        await client.RunSessionAsync((_, _) => Task.CompletedTask);
        Assert.Equal(2, _services.To("POST", "/token").Count);
    }

    [Theory]
    [InlineData("""{"access_token":"","expires_in":5}""")]
    [InlineData("""{"access_token":"t","expires_in":0}""")]
    [InlineData("""{"access_token":"t","token_type":"mac","expires_in":5}""")]
    [InlineData("""{"access_token":5,"expires_in":5}""")]
    [InlineData("[]")]
    [InlineData("nothing")]
    public async Task An_answer_that_is_no_token_is_refused(string body)
    {
        _services.Answer = sent => sent.Path == "/oauth/2/token" ? ScriptedServices.Json(200, body) : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        Assert.Equal(CaracalErrorCodes.StsUnavailable, (await Assert.ThrowsAsync<CaracalException>(() => client.MintMandateAsync("resource://a", ["read"]))).Code);
    }

    [Fact]
    public async Task Credentials_that_change_forget_what_the_others_minted_and_missing_ones_call_nobody()
    {
        CaracalCredentials? current = new("z1", "app1", "first");
        await using var client = CaracalClient.FromCredentials(_ => new(current), _services.Options with { ClientSecret = null });
        await client.MintMandateAsync("resource://a", ["read"]);
        await client.MintMandateAsync("resource://a", ["read"]);
        Assert.Single(_services.All);
        current = current with { ClientSecret = "second" };
        await client.MintMandateAsync("resource://a", ["read"]);
        Assert.Contains("client_secret=second", _services.All[1].Body, StringComparison.Ordinal);
        current = null;
        await Assert.ThrowsAsync<CredentialsUnavailableException>(() => client.MintMandateAsync("resource://a", ["read"]));
        Assert.Equal(2, _services.All.Count);
    }

    [Fact]
    public async Task A_closed_client_does_nothing_more()
    {
        var client = CaracalClient.FromOptions(_services.Options);
        await client.DisposeAsync();
        await client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.MintMandateAsync("resource://a", ["read"]));
    }
}
