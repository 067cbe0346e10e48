using Caracal.Coordinator.Tests.Support;

namespace Caracal.Coordinator.Tests.Leases;

/// <summary>coordinator.md 6, 20.8 and 20.10 on the wire.</summary>
public sealed class LeaseTests
{
    private const string Agents = "/zones/z1/agents";
    private const string Service = ",\"lifecycle\":\"service\"";

    [Fact]
    public async Task Fences_the_old_holder_of_a_lease()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var id = await coordinator.StartSessionAsync(more: Service);
        Assert.Equal(200, (await BeatAsync(coordinator, id, 1)).Status);

        var lease = await coordinator.PostAsync($"{Agents}/{id}/lease", coordinator.App1, null);
        Assert.Equal((200, 2, "active"), (lease.Status, lease.Json.GetProperty("lease_generation").GetInt64(), lease.Json.GetProperty("status").GetString()));
        (await BeatAsync(coordinator, id, 1)).AssertRefused(409, "session_lease_fenced");
        var beat = await BeatAsync(coordinator, id, 2);
        Assert.Equal("active", beat.Json.GetProperty("agent").GetProperty("status").GetString());
        Assert.Equal(2, beat.Json.GetProperty("agent").GetProperty("lease_generation").GetInt64());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, beat.Json.GetProperty("service").ValueKind);

        (await coordinator.SendAsync("DELETE", $"{Agents}/{id}", coordinator.App1)).AssertRefused(400, "lease_generation_required");
        (await coordinator.SendAsync("DELETE", $"{Agents}/{id}", coordinator.App1, """{"lease_generation":0}""")).AssertRefused(400, "invalid_body");
        (await coordinator.SendAsync("DELETE", $"{Agents}/{id}", coordinator.App1, """{"lease_generation":1}""")).AssertRefused(409, "session_lease_fenced");
        Assert.Equal(204, (await coordinator.SendAsync("DELETE", $"{Agents}/{id}", coordinator.App1, """{"lease_generation":2}""")).Status);
        (await coordinator.SendAsync("DELETE", $"{Agents}/{id}", coordinator.App1, """{"lease_generation":2}""")).AssertRefused(404, "session_not_found");
        (await BeatAsync(coordinator, id, 2)).AssertRefused(409, "session_not_live");
    }

    [Fact]
    public async Task Refuses_leases_where_there_are_none()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var task = await coordinator.StartSessionAsync();
        (await coordinator.PostAsync($"{Agents}/{task}/lease", coordinator.App1, null)).AssertRefused(409, "session_not_service");
        (await BeatAsync(coordinator, task, 1)).AssertRefused(409, "session_not_service");
        (await BeatAsync(coordinator, "unknown", 1)).AssertRefused(404, "session_not_found");
        var service = await coordinator.StartSessionAsync(more: Service);
        (await coordinator.PostAsync($"{Agents}/{service}/lease", coordinator.Token("app2"), null)).AssertRefused(403, "application_ownership_required");
        (await coordinator.PostAsync($"{Agents}/{service}/heartbeat", coordinator.App1, "{}")).AssertRefused(400, "invalid_body");
        (await coordinator.PostAsync($"{Agents}/{service}/heartbeat", coordinator.App1, """{"lease_generation":"1"}""")).AssertRefused(400, "invalid_body");
        (await coordinator.PostAsync($"{Agents}/{service}/heartbeat", coordinator.App1, """{"lease_generation":1,"service_id":"x"}""")).AssertRefused(404, "agent_service_not_found");
        var bare = coordinator.Token(coordinator.Signer.Claims("z1", "app1", "x") with { Sid = null });
        (await coordinator.PostAsync($"{Agents}/{service}/lease", bare, null)).AssertRefused(401, "authority_record_required");
        var foreign = coordinator.Token(coordinator.Signer.Claims("z1", "app1", "rec-user"));
        (await coordinator.PostAsync($"{Agents}/{service}/lease", foreign, null)).AssertRefused(401, "identity_revoked");
    }

    [Fact]
    public async Task Suspends_a_service_that_beats_too_late()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var id = await coordinator.StartSessionAsync(more: Service);
        var child = await coordinator.StartSessionAsync(more: $",\"parent_id\":\"{id}\"");
        coordinator.Time.Advance(TimeSpan.FromSeconds(121));
        (await BeatAsync(coordinator, id, 1)).AssertRefused(409, "session_lease_expired");
        Assert.Equal("suspended", (await coordinator.GetAsync($"{Agents}/{child}", coordinator.App1)).Json.GetProperty("status").GetString());
        var message = await coordinator.NextAsync("caracal.agents.lifecycle", e => e.Value("event") == "suspend");
        Assert.Equal("service_heartbeat_lost", message.Value("reason"));

        var beat = await BeatAsync(coordinator, id, 1);
        Assert.Equal((200, "suspended"), (beat.Status, beat.Json.GetProperty("agent").GetProperty("status").GetString()));
        (await coordinator.PostAsync($"{Agents}/{id}/lease", coordinator.App1, null)).AssertRefused(409, "session_suspended");
        Assert.Equal(200, (await coordinator.SendAsync("PATCH", $"{Agents}/{id}/resume", coordinator.App1)).Status);
        Assert.Equal(2, (await coordinator.PostAsync($"{Agents}/{id}/lease", coordinator.App1, null)).Json.GetProperty("lease_generation").GetInt64());
    }

    [Fact]
    public async Task Ends_a_service_whose_user_is_gone()
    {
        await using var coordinator = await TestCoordinator.StartAsync(e => e["COORDINATOR_REQUIRE_SUBJECT_PROOF"] = "false");
        var id = await coordinator.StartSessionAsync(more: Service + ",\"subject_session_id\":\"rec-user\"");
        Assert.Equal(200, (await BeatAsync(coordinator, id, 1)).Status);
        await coordinator.ExecuteAsync("UPDATE authority_records SET status = 'revoked' WHERE id = 'rec-user'");
        (await BeatAsync(coordinator, id, 1)).AssertRefused(409, "session_subject_inactive");
        var read = (await coordinator.GetAsync($"{Agents}/{id}", coordinator.App1)).Json;
        Assert.Equal(("terminated", "subject_authority_inactive"), (read.GetProperty("status").GetString(), read.GetProperty("termination_reason").GetString()));
        Assert.Equal("rec-user", (await coordinator.NextAsync("caracal.sessions.revoke", e => e.Value("agent_session_id") == id)).Value("session_id"));
    }

    private static Task<Answer> BeatAsync(TestCoordinator coordinator, string id, long generation) =>
        coordinator.PostAsync($"{Agents}/{id}/heartbeat", coordinator.App1, $$"""{"lease_generation":{{generation}},"status":"healthy"}""");
}
