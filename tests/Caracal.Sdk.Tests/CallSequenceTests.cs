using System.Diagnostics;
using System.Net;
using Caracal.Sdk.Tests.Stacks;

namespace Caracal.Sdk.Tests;

/// <summary>Every call sequence of sdk.md against a real stack.</summary>
public abstract class CallSequenceTests(GovernedStack stack)
{
    private static readonly AgentSessionOptions Agent = new() { Labels = ["agent"], Authority = Authority.None, TtlSeconds = 600 };

    private static AgentSessionOptions Narrowed(params string[] scopes) =>
        new() { Labels = ["agent"], Authority = Authority.Narrow(scopes, 300, GovernedStack.Resource), TtlSeconds = 300 };

    [Fact]
    public async Task A_narrowed_child_calls_through_the_gateway_by_the_address_the_code_already_uses()
    {
        await using var client = stack.NewClient();
        using var http = new HttpClient(client.CreateHandler(new TransportOptions { Scopes = [GovernedStack.Read] }));
        var ids = new List<string>();

        await client.RunSessionAsync(
            async (root, stop) =>
            {
                ids.Add(root.SessionId!);
                await client.RunSessionAsync(
                    async (child, inner) =>
                    {
                        ids.Add(child.SessionId!);
                        Assert.Equal((1, root.SessionId), (child.Hop, CaracalContext.Current == child ? root.SessionId : ""));
                        using var answer = await http.GetAsync("https://api.pipernet.example/v1/reports?year=2026", inner);
                        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                    },
                    Narrowed(GovernedStack.Read),
                    stop);
                Assert.Same(root, CaracalContext.Current);
            },
            Agent);

        Assert.Equal("/reports?year=2026", stack.Upstream.Last.PathAndQuery);
        Assert.Equal("upstream-key", stack.Upstream.Last.Headers["X-Api-Key"]);
        Assert.False(stack.Upstream.Last.Headers.ContainsKey("Authorization"));
        var statuses = (await stack.SessionsAsync()).ToDictionary(session => session.Id, session => session.Status);
        Assert.All(ids, id => Assert.Equal("terminated", statuses[id]));
        Assert.Null(CaracalContext.Current);
    }

    [Fact]
    public async Task A_child_cannot_hold_more_than_its_parent_and_is_ended_when_it_tries()
    {
        var active = await ActiveAsync();
        await using var client = stack.NewClient();
        var refused = await Assert.ThrowsAsync<CoordinatorException>(() => client.RunSessionAsync(
            (_, stop) => client.RunSessionAsync(
                (_, inner) => client.RunSessionAsync((_, _) => Task.CompletedTask, Narrowed(GovernedStack.Write), inner), Narrowed(GovernedStack.Read) with { Authority = Authority.Narrow([GovernedStack.Read], 400, GovernedStack.Resource, allowChildren: true) }, stop),
            Agent with { Task = "widening" }));
        Assert.Equal((403, "delegation_exceeds_parent_authority"), (refused.HttpStatus, refused.Code));
        Assert.Empty((await ActiveAsync()).Except(active));
    }

    [Fact]
    public async Task An_inheriting_child_acts_within_what_its_parent_holds()
    {
        await using var client = stack.NewClient();
        await client.RunSessionAsync(
            (_, stop) => client.RunSessionAsync(
                (_, middle) => client.RunSessionAsync(
                    async (child, inner) =>
                    {
                        Assert.Equal(2, child.Hop);
                        using var answer = await client.SendAsync(GovernedStack.Resource, "/inherited", [GovernedStack.Read], cancellationToken: inner);
                        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                    },
                    new AgentSessionOptions { Labels = ["agent"], TtlSeconds = 200 }, middle),
                new AgentSessionOptions { Labels = ["agent"], TtlSeconds = 300, Authority = Authority.Narrow([GovernedStack.Read], 300, GovernedStack.Resource, allowChildren: true) }, stop),
            Agent);
    }

    [Fact]
    public async Task A_session_without_a_delegation_is_told_what_it_lacks()
    {
        await using var client = stack.NewClient();
        await client.RunSessionAsync(
            async (_, stop) =>
            {
                var refused = await Assert.ThrowsAsync<CaracalException>(() => client.MintMandateAsync(GovernedStack.Resource, [GovernedStack.Read], cancellationToken: stop));
                Assert.Equal((403, CaracalErrorCodes.AccessDenied), (refused.HttpStatus, refused.Code));
                Assert.Contains("accept a Delegation", refused.Message, StringComparison.Ordinal);
                Assert.NotNull(refused.RequestId);
            },
            Agent);
    }

    [Fact]
    public async Task Authority_is_offered_accepted_used_and_taken_back()
    {
        await using var client = stack.NewClient();
        await using var worker = await client.StartSessionAsync(new ServiceSessionOptions { Labels = ["agent"], Authority = Authority.None, AutoHeartbeat = false });
        await client.RunSessionAsync(
            async (boss, stop) =>
            {
                var grant = await client.DelegateAsync(
                    new DelegationOffer(worker.Id, [GovernedStack.Read], 300) { ResourceId = GovernedStack.Resource, Budget = new CallBudget(5, "report") }, stop);
                Assert.Equal([GovernedStack.Read], grant.Scopes);
                Assert.Null(CaracalContext.Current!.DelegationId);

                await CaracalContext.BindAsync(worker.Context, async () =>
                {
                    var status = await client.AcceptDelegationAsync(
                        grant.DelegationId,
                        async (accepted, inner) =>
                        {
                            Assert.Equal((grant.DelegationId, 1), (accepted.DelegationId, accepted.Hop));
                            using var answer = await client.SendAsync(GovernedStack.Resource, "/delegated", [GovernedStack.Read], HttpMethod.Post, new StringContent("{}"), inner);
                            return answer.StatusCode;
                        },
                        validate: true, stop);
                    Assert.Equal(HttpStatusCode.OK, status);
                });

                await client.RevokeDelegationAsync(grant.DelegationId, stop);
                await CaracalContext.BindAsync(worker.Context, async () =>
                {
                    var gone = await Assert.ThrowsAsync<CoordinatorException>(() => client.AcceptDelegationAsync(grant.DelegationId, (_, _) => Task.FromResult(0), validate: true, stop));
                    Assert.Equal(404, gone.HttpStatus);
                    await Assert.ThrowsAsync<CaracalException>(() => client.AcceptDelegationAsync(
                        grant.DelegationId, (_, inner) => client.SendAsync(GovernedStack.Resource, "/delegated", [GovernedStack.Read], cancellationToken: inner), cancellationToken: stop));
                });
            },
            Agent);
    }

    [Fact]
    public async Task A_service_renews_its_lease_and_whoever_attaches_fences_it()
    {
        await using var client = stack.NewClient();
        var first = await client.StartSessionAsync(new ServiceSessionOptions { Labels = ["agent"], Authority = Authority.None, HeartbeatInterval = TimeSpan.FromMilliseconds(100) });
        var beaten = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        client.EventRaised += raised =>
        {
            if (raised is CoordinatorCallEvent { Ok: true } call && call.Path.EndsWith("/heartbeat", StringComparison.Ordinal)) beaten.TrySetResult();
        };
        await beaten.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal((1, "active"), (first.LeaseGeneration, first.Status));

        var lost = new TaskCompletionSource<CoordinatorException>(TaskCreationOptions.RunContinuationsAsynchronously);
        first.LeaseLost += (_, cause) => lost.TrySetResult(cause);
        await using (var second = await client.AttachSessionAsync(first.Id, new ServiceSessionOptions { AutoHeartbeat = false }))
        {
            Assert.Equal((2, 0), (second.LeaseGeneration, second.Context.Hop));
            Assert.Equal("session_lease_fenced", (await lost.Task.WaitAsync(TimeSpan.FromSeconds(20))).Code);
            await second.HeartbeatAsync("degraded");
        }

        await first.DisposeAsync(); // over already: that is success
        Assert.Equal("terminated", (await stack.SessionsAsync()).Single(session => session.Id == first.Id).Status);
    }

    [Fact]
    public async Task The_application_acts_for_itself_with_one_pair_of_sessions_and_a_mandate_per_call()
    {
        var before = (await stack.SessionsAsync()).Count;
        var active = await ActiveAsync();
        await using (var client = stack.NewClient())
        {
            using var http = new HttpClient(client.CreateApplicationHandler(GovernedStack.Resource, new ApplicationTransportOptions { Scopes = [GovernedStack.Read] }))
            {
                BaseAddress = new Uri(stack.Options.GatewayUrl),
            };
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => http.GetAsync($"/own/{i}")));
            Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
            Assert.Equal(before + 2, (await stack.SessionsAsync()).Count);

            using var moved = await http.GetAsync("https://api.pipernet.example/v1/moved");
            Assert.Equal(HttpStatusCode.Redirect, moved.StatusCode);
            Assert.Equal("/moved", stack.Upstream.Last.PathAndQuery);
            await Assert.ThrowsAsync<InvalidOperationException>(() => http.GetAsync("https://elsewhere.example/"));
        }

        Assert.Empty((await ActiveAsync()).Except(active));
    }

    [Fact]
    public async Task A_hold_is_waited_for_and_the_approved_call_carries_it()
    {
        await using var client = stack.NewClient();
        await RunDelegatedAsync(client, async stop =>
        {
            var mandate = await client.WithApprovalAsync(
                async (approval, inner) =>
                {
                    try
                    {
                        return await client.MintMandateAsync(GovernedStack.Resource, [GovernedStack.Danger], approvalId: approval, cancellationToken: inner);
                    }
                    catch (ApprovalRequiredException required)
                    {
                        Assert.Equal(("pending", 401), (required.State, required.HttpStatus));
                        Assert.NotNull(required.Binding);
                        await stack.DecideAsync(required.ApprovalId, approve: true);
                        throw;
                    }
                },
                TimeSpan.FromSeconds(30), stop);
            Assert.NotEmpty(mandate.Token);
            Assert.DoesNotContain(mandate.Token, mandate.ToString(), StringComparison.Ordinal);

            var rejected = await Assert.ThrowsAsync<ApprovalRequiredException>(() => client.WithApprovalAsync(
                async (approval, inner) =>
                {
                    Assert.Null(approval);
                    try
                    {
                        return await client.MintMandateAsync(GovernedStack.Resource, [GovernedStack.Danger, GovernedStack.Read], cancellationToken: inner);
                    }
                    catch (ApprovalRequiredException required)
                    {
                        await stack.DecideAsync(required.ApprovalId, approve: false);
                        throw;
                    }
                },
                TimeSpan.FromSeconds(30), stop));
            Assert.Equal("rejected", await client.WaitForApprovalAsync(rejected.ApprovalId, TimeSpan.FromSeconds(5), stop));
        });
    }

    [Fact]
    public async Task Every_refusal_of_the_sts_arrives_with_its_code()
    {
        await using var stranger = stack.NewClient(options => options with { ClientSecret = "cs_wrong-wrong-wrong-wrong-wrong-wrong" });
        var secret = await Assert.ThrowsAsync<CaracalException>(() => stranger.RunSessionAsync((_, _) => Task.CompletedTask));
        Assert.Equal(401, secret.HttpStatus);
        Assert.False(secret.IsRetryable);

        await using var nowhere = stack.NewClient(options => options with { StsUrl = "http://127.0.0.1:9" });
        var unreachable = await Assert.ThrowsAsync<CaracalException>(() => nowhere.RunSessionAsync((_, _) => Task.CompletedTask));
        Assert.Equal((CaracalErrorCodes.StsUnavailable, true), (unreachable.Code, unreachable.IsRetryable));

        await using var client = stack.NewClient();
        await RunDelegatedAsync(client, async stop =>
        {
            var scope = await Assert.ThrowsAsync<CaracalException>(() => client.MintMandateAsync(GovernedStack.Resource, ["pipernet:none"], cancellationToken: stop));
            Assert.Equal(403, scope.HttpStatus);
            await Assert.ThrowsAsync<CaracalException>(() => client.MintMandateAsync("resource://unknown", [GovernedStack.Read], cancellationToken: stop));
        });
    }

    [Fact]
    public async Task A_start_with_the_same_key_is_the_same_session()
    {
        await using var client = stack.NewClient();
        var key = Guid.NewGuid().ToString();
        await client.RunSessionAsync(
            async (first, stop) =>
            {
                var replayed = false;
                client.EventRaised += raised => replayed |= raised is CoordinatorCallEvent { Replayed: true };
                await CaracalContext.BindAsync(null!, () => client.RunSessionAsync(
                    (second, _) =>
                    {
                        Assert.Equal(first.SessionId, second.SessionId);
                        return Task.CompletedTask;
                    },
                    Agent with { IdempotencyKey = key }, stop));
                Assert.True(replayed);
            },
            Agent with { IdempotencyKey = key });
    }

    [Fact]
    public async Task The_trace_of_the_running_activity_and_foreign_baggage_reach_the_upstream_and_ids_do_not()
    {
        await using var client = stack.NewClient();
        using var source = new ActivitySource("tests");
        using var listener = new ActivityListener { ShouldListenTo = _ => true, Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData };
        ActivitySource.AddActivityListener(listener);
        await RunDelegatedAsync(client, async stop =>
        {
            using var activity = source.StartActivity("work")!;
            activity.AddBaggage("tenant", "acme & co/é");
            using var answer = await client.SendAsync(GovernedStack.Resource, "/traced", [GovernedStack.Read], cancellationToken: stop);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(activity.TraceId.ToHexString(), stack.Upstream.Last.Headers["traceparent"].Split('-')[1]);
            Assert.Equal("tenant=acme%20%26%20co%2F%C3%A9", stack.Upstream.Last.Headers["baggage"]);
        });
    }

    // Another test's launcher was killed, and left its Sessions to their lifetime.
    private async Task<List<string>> ActiveAsync() => [.. (await stack.SessionsAsync()).Where(session => session.Status == "active").Select(session => session.Id)];

    private static Task RunDelegatedAsync(CaracalClient client, Func<CancellationToken, Task> body) => client.RunSessionAsync(
        (_, stop) => client.RunSessionAsync((_, inner) => body(inner), Narrowed(GovernedStack.Read, GovernedStack.Danger), stop), Agent);
}

public sealed class EmbeddedSequences(EmbeddedStack stack) : CallSequenceTests(stack), IClassFixture<EmbeddedStack>;

[Collection(SeparateStack.Shared)]
public sealed class SeparateSequences(SeparateStack stack) : CallSequenceTests(stack);
