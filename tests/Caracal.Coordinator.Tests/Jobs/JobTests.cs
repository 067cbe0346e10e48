using Caracal.Coordinator.Tests.Support;
using Caracal.Protocol;

namespace Caracal.Coordinator.Tests.Jobs;

/// <summary>coordinator.md 13 and 20.11: sweepers and the lifecycle relay in a running service.</summary>
public sealed class JobTests
{
    private const string Agents = "/zones/z1/agents";

    private static void Fast(Dictionary<string, string?> environment)
    {
        environment["TTL_SWEEP_INTERVAL_MS"] = "20";
        environment["SERVICE_LEASE_SWEEP_INTERVAL_MS"] = "20";
        environment["RETENTION_CLEANUP_INTERVAL_MS"] = "20";
    }

    [Fact]
    public async Task Expires_a_task_with_its_children_and_its_edges()
    {
        await using var coordinator = await TestCoordinator.StartAsync(Fast);
        var task = await coordinator.StartSessionAsync(more: ",\"ttl_seconds\":10");
        var child = await coordinator.StartSessionAsync(more: $",\"parent_id\":\"{task}\"");
        var other = await coordinator.StartSessionAsync();
        var edge = (await coordinator.DelegateAsync(task, other, ""","ttl_seconds":600,"resource_id":"r1" """)).Json.GetProperty("delegation_edge_id").GetString();
        coordinator.Time.Advance(TimeSpan.FromSeconds(11));
        var ended = await coordinator.NextAsync(Topics.AgentsLifecycle, e => e.Value("event") == "terminate" && e.Value("agent_session_id") == task);
        Assert.Equal("ttl", ended.Value("reason"));
        Assert.Equal(("expired", "ttl"), await StateAsync(coordinator, task));
        Assert.Equal(("terminated", "parent_terminated"), await StateAsync(coordinator, child));
        Assert.Equal(("active", null), await StateAsync(coordinator, other));
        await coordinator.NextAsync(Topics.SessionsRevoke, e => e.Value("delegation_edge_id") == edge);
        Assert.Equal(1, await coordinator.ScalarAsync<long>("SELECT count(*) FROM caracal_outbox WHERE dedupe_key = @key", new { key = $"terminate:{task}" }));
    }

    [Fact]
    public async Task Suspends_a_service_that_stopped_beating()
    {
        await using var coordinator = await TestCoordinator.StartAsync(Fast);
        var service = await coordinator.StartSessionAsync(more: ",\"lifecycle\":\"service\"");
        coordinator.Time.Advance(TimeSpan.FromSeconds(121));
        var message = await coordinator.NextAsync(Topics.AgentsLifecycle, e => e.Value("event") == "suspend");
        Assert.Equal((service, "service_heartbeat_lost"), (message.Value("agent_session_id"), message.Value("reason")));
        Assert.Equal("suspended", (await StateAsync(coordinator, service)).Status);
    }

    [Fact]
    public async Task Marks_overdue_edges_as_expired_and_publishes_their_end()
    {
        await using var coordinator = await TestCoordinator.StartAsync(Fast);
        var (a, b) = (await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync());
        var edge = (await coordinator.DelegateAsync(a, b, ""","ttl_seconds":10,"resource_id":"r1" """)).Json.GetProperty("delegation_edge_id").GetString();
        coordinator.Time.Advance(TimeSpan.FromSeconds(11));
        var expired = await coordinator.NextAsync(Topics.DelegationsInvalidate, e => e.Value("event") == "edge_expire");
        Assert.Equal(("1", $"[\"{edge}\"]", "2"), (expired.Value("affected_edges"), expired.Value("edge_ids"), expired.Value("epoch")));
        var end = await coordinator.NextAsync(Topics.SessionsRevoke, e => e.Value("delegation_edge_id") == edge);
        Assert.Equal("delegation_expired", end.Value("reason"));
        Assert.Equal("active", (await StateAsync(coordinator, b)).Status); // expiry leaves both Sessions running
    }

    [Fact]
    public async Task Deletes_what_is_past_retention_and_keeps_what_still_speaks()
    {
        await using var coordinator = await TestCoordinator.StartAsync(e => e["SESSION_RETENTION_DAYS"] = e["DELEGATION_RETENTION_DAYS"] = "1");
        var old = await coordinator.StartSessionAsync();
        var (a, b) = (await coordinator.StartSessionAsync("app1", ",\"lifecycle\":\"service\""), await coordinator.StartSessionAsync());
        await coordinator.DelegateAsync(b, a, ""","ttl_seconds":10,"resource_id":"r1" """);
        await coordinator.SendAsync("DELETE", $"{Agents}/{old}", coordinator.App1);
        await coordinator.SendAsync("DELETE", $"{Agents}/{b}", coordinator.App1);
        await coordinator.ExecuteAsync("UPDATE sessions SET terminated_at = 1 WHERE terminated_at IS NOT NULL");
        await coordinator.ExecuteAsync("UPDATE delegation_edges SET updated_at = 1");
        await coordinator.CleanAsync();

        Assert.Equal(0, await coordinator.ScalarAsync<long>("SELECT count(*) FROM sessions WHERE id = @old", new { old }));
        Assert.Equal(1, await coordinator.ScalarAsync<long>("SELECT count(*) FROM sessions WHERE id = @b", new { b })); // the edge of a living holder names it
        Assert.Equal(1, await coordinator.ScalarAsync<long>("SELECT count(*) FROM delegation_edges"));
    }

    [Fact]
    public async Task Dead_letters_a_forged_lifecycle_message()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        await coordinator.Streams.EnsureGroupAsync(Topics.Dead(Topics.AgentsLifecycle), "test", fromBeginning: true, shared: false, default);
        await coordinator.Streams.AppendAsync(Topics.AgentsLifecycle, [new("event", "terminate"), new("_sig", new string('0', 64))], null, default);
        var dead = await coordinator.NextAsync(Topics.Dead(Topics.AgentsLifecycle), _ => true);
        Assert.Equal("invalid_signature", dead.Value("error"));
    }

    private static async Task<(string? Status, string? Reason)> StateAsync(TestCoordinator coordinator, string id)
    {
        var session = (await coordinator.GetAsync($"{Agents}/{id}", coordinator.App1)).Json;
        return (session.GetProperty("status").GetString(), session.GetProperty("termination_reason").GetString());
    }
}
