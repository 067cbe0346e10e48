using System.Text.RegularExpressions;
using Caracal.Coordinator.Tests.Support;

namespace Caracal.Coordinator.Tests.Sessions;

/// <summary>coordinator.md 5 on the wire.</summary>
public sealed partial class SessionTests
{
    private const string Agents = "/zones/z1/agents";

    [Fact]
    public async Task Answers_a_start_with_exactly_the_specified_fields()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var answer = await coordinator.PostAsync(Agents, coordinator.App1, """{"application_id":"app1","labels":[" a ","b"],"metadata":{"task":"t"}}""");
        Assert.Equal(201, answer.Status);
        var body = Times().Replace(Uuids().Replace(answer.Body, "ID"), "TIME");
        Assert.Equal(
            """{"agent_session_id":"ID","zone_id":"z1","application_id":"app1","parent_id":null,"subject_authority_record_id":"rec-app1","lifecycle":"task","labels":["a","b"],"status":"active","depth":0,"ttl_seconds":3600,"started_at":"TIME","last_heartbeat_at":null,"heartbeat_deadline_at":null,"lease_generation":0,"delegation_edge_id":null}""",
            body);
        var id = answer.Json.GetProperty("agent_session_id").GetString()!;
        var read = await coordinator.GetAsync($"{Agents}/{id}", coordinator.Token("app2"));
        Assert.Equal("t", read.Json.GetProperty("metadata").GetProperty("task").GetString());
        Assert.Equal(0, read.Json.GetProperty("child_count").GetInt32());
        Assert.False(read.Json.TryGetProperty("delegation_edge_id", out _));
    }

    [Fact]
    public async Task Refuses_starts_in_the_specified_order()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var app2 = coordinator.Token("app2");
        (await Start(app2, "app1")).AssertRefused(403, "application_ownership_required");
        Assert.Equal(201, (await Start(coordinator.Token("app2", "coordinator.spawn_for:app1"), "app1", ",\"subject_session_id\":\"rec-app1\"")).Status);
        (await Start(coordinator.Token("app2", "coordinator.spawn_for:gone"), "gone")).AssertRefused(404, "application_not_found");
        (await Start(coordinator.Token("dcr1"), "dcr1", ",\"lifecycle\":\"service\"")).AssertRefused(409, "dcr_application_cannot_host_service");
        (await Start(coordinator.Token("dcr1"), "dcr1", ",\"parent_id\":\"p\"")).AssertRefused(409, "dcr_application_cannot_be_child");
        Assert.Equal(201, (await Start(coordinator.Token("dcr1"), "dcr1")).Status);
        (await Start(coordinator.Token("dcr1"), "dcr1")).AssertRefused(409, "dcr_application_already_bound");
        (await Start(coordinator.App1, "app1", ",\"parent_id\":\"unknown\"")).AssertRefused(404, "parent_not_found");

        var parent = await coordinator.StartSessionAsync();
        (await Start(coordinator.App1, "app1", $",\"parent_id\":\"{parent}\",\"lifecycle\":\"service\"")).AssertRefused(409, "task_session_cannot_start_service");
        (await Start(app2, "app2", $",\"parent_id\":\"{parent}\"")).AssertRefused(403, "parent_ownership_required");
        Assert.Equal(201, (await Start(coordinator.Token("app2", "coordinator.spawn_under:app1"), "app2", $",\"parent_id\":\"{parent}\"")).Status);

        Task<Answer> Start(string token, string application, string more = "") =>
            coordinator.PostAsync(Agents, token, $$"""{"application_id":"{{application}}"{{more}}}""");
    }

    [Fact]
    public async Task Refuses_the_eleventh_child_the_eleventh_generation_and_the_fifty_first_session()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var parent = await coordinator.StartSessionAsync();
        for (var i = 0; i < 10; i++)
        {
            await coordinator.StartSessionAsync(more: $",\"parent_id\":\"{parent}\"");
        }

        (await Start($",\"parent_id\":\"{parent}\"")).AssertRefused(429, "session_children_limit_exceeded");
        var deep = await coordinator.StartSessionAsync();
        for (var i = 0; i < 10; i++)
        {
            deep = await coordinator.StartSessionAsync(more: $",\"parent_id\":\"{deep}\"");
        }

        (await Start($",\"parent_id\":\"{deep}\"")).AssertRefused(429, "session_depth_limit_exceeded");
        for (var i = 0; i < 28; i++)
        {
            await coordinator.StartSessionAsync();
        }

        (await Start("")).AssertRefused(429, "session_zone_limit_exceeded");
        coordinator.Time.Advance(TimeSpan.FromSeconds(3601));
        Assert.Equal(201, (await Start("")).Status); // what ran out holds no slot, swept or not

        Task<Answer> Start(string more) => coordinator.PostAsync(Agents, coordinator.App1, $$"""{"application_id":"app1"{{more}}}""");
    }

    [Fact]
    public async Task Never_lets_concurrent_starts_pass_the_zone_limit()
    {
        await using var coordinator = await TestCoordinator.StartAsync(e => e["MAX_AGENTS_PER_ZONE"] = "5");
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ =>
            coordinator.PostAsync(Agents, coordinator.App1, """{"application_id":"app1"}""")));
        Assert.Equal(5, answers.Count(answer => answer.Status == 201));
        Assert.Equal(5, await coordinator.ScalarAsync<long>("SELECT count(*) FROM sessions"));
    }

    [Fact]
    public async Task Takes_no_child_under_a_parent_that_is_suspended_or_out_of_time()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var parent = await coordinator.StartSessionAsync(more: ",\"ttl_seconds\":10");
        Assert.Equal(200, (await coordinator.SendAsync("PATCH", $"{Agents}/{parent}/suspend", coordinator.App1)).Status);
        (await Child()).AssertRefused(404, "parent_not_found");
        Assert.Equal(200, (await coordinator.SendAsync("PATCH", $"{Agents}/{parent}/resume", coordinator.App1)).Status);
        Assert.Equal(201, (await Child()).Status);
        coordinator.Time.Advance(TimeSpan.FromSeconds(11));
        (await Child()).AssertRefused(404, "parent_not_found");

        Task<Answer> Child() => coordinator.PostAsync(Agents, coordinator.App1, $$"""{"application_id":"app1","parent_id":"{{parent}}"}""");
    }

    [Fact]
    public async Task Suspends_and_resumes_a_subtree_and_announces_each_session()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var root = await coordinator.StartSessionAsync();
        var child = await coordinator.StartSessionAsync(more: $",\"parent_id\":\"{root}\"");
        (await coordinator.SendAsync("PATCH", $"{Agents}/{root}/suspend", coordinator.Token("app2"))).AssertRefused(403, "application_ownership_required");
        (await coordinator.SendAsync("PATCH", $"{Agents}/nothing/suspend", coordinator.App1)).AssertRefused(404, "session_not_found");
        (await coordinator.SendAsync("PATCH", $"{Agents}/{root}/resume", coordinator.App1)).AssertRefused(409, "session_not_found_or_not_suspended");

        var suspended = await coordinator.SendAsync("PATCH", $"{Agents}/{root}/suspend", TestSettings.OperatorToken, "null");
        Assert.Equal(2, suspended.Json.GetProperty("suspended").GetInt32());
        Assert.Equal("suspended", suspended.Json.GetProperty("status").GetString());
        (await coordinator.SendAsync("PATCH", $"{Agents}/{root}/suspend", coordinator.App1)).AssertRefused(409, "session_not_found_or_not_active");
        var message = await coordinator.NextAsync("caracal.agents.lifecycle", e => e.Value("event") == "suspend" && e.Value("agent_session_id") == child);
        Assert.Equal((root, "requested"), (message.Value("parent_id"), message.Value("reason")));
        Assert.Equal(2, (await coordinator.SendAsync("PATCH", $"{Agents}/{root}/resume", coordinator.App1)).Json.GetProperty("resumed").GetInt32());
        await coordinator.NextAsync("caracal.agents.lifecycle", e => e.Value("event") == "resume" && e.Value("agent_session_id") == root);
        Assert.Equal(0, await coordinator.ScalarAsync<long>("SELECT count(*) FROM caracal_outbox WHERE topic = 'caracal.sessions.revoke'"));
    }

    [Fact]
    public async Task Ends_a_subtree_with_its_edges_and_announces_every_end()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var root = await coordinator.StartSessionAsync();
        var child = await coordinator.StartSessionAsync(more: $",\"parent_id\":\"{root}\"");
        var other = await coordinator.StartSessionAsync();
        var edge = (await coordinator.DelegateAsync(other, child, ""","scopes":["read"],"resource_id":"r1","ttl_seconds":600""")).Json
            .GetProperty("delegation_edge_id").GetString();

        (await coordinator.SendAsync("DELETE", $"{Agents}/{root}?reason=", coordinator.App1)).AssertRefused(400, "invalid_query");
        (await coordinator.SendAsync("DELETE", $"{Agents}/{root}", coordinator.Token("app2"))).AssertRefused(403, "application_ownership_required");
        var gone = await coordinator.SendAsync("DELETE", $"{Agents}/{root}?reason=done%0Aearly", coordinator.App1, "null");
        Assert.Equal((204, ""), (gone.Status, gone.Body));
        (await coordinator.SendAsync("DELETE", $"{Agents}/{root}", coordinator.App1)).AssertRefused(404, "session_not_found");

        var ended = (await coordinator.GetAsync($"{Agents}/{child}", coordinator.App1)).Json;
        Assert.Equal(("terminated", "parent_terminated"), (ended.GetProperty("status").GetString(), ended.GetProperty("termination_reason").GetString()));
        Assert.Equal("revoked", await coordinator.ScalarAsync<string>("SELECT status FROM delegation_edges WHERE id = @edge", new { edge }));

        var lifecycle = await coordinator.NextAsync("caracal.agents.lifecycle", e => e.Value("event") == "terminate" && e.Value("agent_session_id") == root);
        Assert.Equal("done early", lifecycle.Value("reason"));
        Assert.Contains(lifecycle.Fields, field => field is { Key: "parent_id", Value: "null" });
        Assert.Contains(lifecycle.Fields, field => field.Key == "dedupe_key" && field.Value == $"terminate:{root}");
        var revoked = await coordinator.NextAsync("caracal.sessions.revoke", e => e.Value("agent_session_id") == child);
        Assert.Null(revoked.Value("session_id")); // an application's own record outlives its Sessions
        await coordinator.NextAsync("caracal.sessions.revoke", e => e.Value("delegation_edge_id") == edge);
        var invalidated = await coordinator.NextAsync("caracal.delegations.invalidate", e => e.Value("event") == "edge_revoke");
        Assert.Equal((edge, "2"), (invalidated.Value("edge_id"), invalidated.Value("epoch")));
    }

    [Fact]
    public async Task Names_a_users_record_in_the_revocation_only_when_nothing_else_stands_on_it()
    {
        await using var coordinator = await TestCoordinator.StartAsync(e => e["COORDINATOR_REQUIRE_SUBJECT_PROOF"] = "false");
        var first = await coordinator.StartSessionAsync(more: ",\"subject_session_id\":\"rec-user\"");
        var second = await coordinator.StartSessionAsync(more: ",\"subject_session_id\":\"rec-user\"");
        await coordinator.SendAsync("DELETE", $"{Agents}/{first}", coordinator.App1);
        Assert.Null((await coordinator.NextAsync("caracal.sessions.revoke", e => e.Value("agent_session_id") == first)).Value("session_id"));
        await coordinator.SendAsync("DELETE", $"{Agents}/{second}", coordinator.App1);
        Assert.Equal("rec-user", (await coordinator.NextAsync("caracal.sessions.revoke", e => e.Value("agent_session_id") == second)).Value("session_id"));
    }

    [Fact]
    public async Task Frees_a_place_under_the_parent_when_a_child_ends()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var parent = await coordinator.StartSessionAsync();
        var child = await coordinator.StartSessionAsync(more: $",\"parent_id\":\"{parent}\"");
        Assert.Equal(1, (await coordinator.GetAsync($"{Agents}/{parent}", coordinator.App1)).Json.GetProperty("child_count").GetInt32());
        await coordinator.SendAsync("DELETE", $"{Agents}/{child}", coordinator.App1);
        Assert.Equal(0, (await coordinator.GetAsync($"{Agents}/{parent}", coordinator.App1)).Json.GetProperty("child_count").GetInt32());
        var children = await coordinator.GetAsync($"{Agents}/{parent}/children?status=terminated", coordinator.App1);
        Assert.Equal(child, children.Json.GetProperty("items")[0].GetProperty("agent_session_id").GetString());
        Assert.Equal(0, (await coordinator.GetAsync($"{Agents}/unknown/children", coordinator.App1)).Json.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task Lets_a_child_keep_its_parents_user_without_asking_again()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var user = coordinator.Signer.Claims("z1", "app1", "rec-user") with { Subject = "user-1", SubjectType = "user", Scope = null };
        var parent = await coordinator.StartSessionAsync(more: $$""","subject_session_id":"rec-user","subject_token":"{{coordinator.Token(user)}}" """);
        var child = await coordinator.PostAsync(Agents, coordinator.App1, $$"""{"application_id":"app1","parent_id":"{{parent}}","subject_authority":"inherit"}""");
        Assert.Equal("rec-user", child.Json.GetProperty("subject_authority_record_id").GetString());

        var other = coordinator.Token("app2", "coordinator.spawn_under:app1");
        (await coordinator.PostAsync(Agents, other, $$"""{"application_id":"app2","parent_id":"{{parent}}","subject_authority":"inherit"}""")).AssertRefused(404, "session_not_found");
        (await coordinator.PostAsync(Agents, coordinator.App1, """{"application_id":"app1","subject_authority":"inherit"}""")).AssertRefused(400, "invalid_body");
    }

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Uuids();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")]
    private static partial Regex Times();
}
