using Caracal.Coordinator.Tests.Support;
using Caracal.TestKit;

namespace Caracal.Coordinator.Tests;

/// <summary>Every statement of the Coordinator, once through the wire on each engine (coordinator.md 19.13).</summary>
public sealed class EngineTests
{
    private const string Agents = "/zones/z1/agents";
    private const string Delegations = "/zones/z1/delegations";

    [Theory]
    [Trait("requirement", "R37")]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Lives_the_same_life_on_both_engines(Engine engine)
    {
        await using var coordinator = await TestCoordinator.StartAsync(engine: engine);
        var app1 = coordinator.App1;

        // Sessions and keys
        const string Body = """{"application_id":"app1","labels":["l1","ü"],"metadata":{"task":"t"}}""";
        var started = await coordinator.PostAsync(Agents, app1, Body, ("Idempotency-Key", "k"));
        var replayed = await coordinator.PostAsync(Agents, app1, Body, ("Idempotency-Key", "k"));
        Assert.Equal((201, "true"), (replayed.Status, replayed.Headers["idempotency-replayed"]));
        var root = started.Json.GetProperty("agent_session_id").GetString()!;
        Assert.Equal(root, replayed.Json.GetProperty("agent_session_id").GetString());
        var service = await coordinator.StartSessionAsync(more: ",\"lifecycle\":\"service\"");
        var other = await coordinator.StartSessionAsync();

        // Delegations and inheritance
        var edge = await coordinator.DelegateAsync(other, root, ""","resource_id":"resource://r1","scopes":["read"],"ttl_seconds":600,"constraints":{"max_hops":3}""");
        Assert.Equal(201, edge.Status);
        var edgeId = edge.Json.GetProperty("delegation_edge_id").GetString();
        var child = await coordinator.PostAsync(Agents, app1, $$"""{"application_id":"app1","parent_id":"{{root}}"}""");
        Assert.NotNull(child.Json.GetProperty("delegation_edge_id").GetString());
        var next = await coordinator.DelegateAsync(root, service, ""","resource_id":"r1","scopes":["read"],"ttl_seconds":60""");
        Assert.Equal(edgeId, next.Json.GetProperty("parent_edge_id").GetString());

        // Reads
        Assert.Equal(1, (await coordinator.GetAsync($"{Agents}?status=active&lifecycle=task&application_id=app1&label=%C3%BC&limit=5", app1)).Json.GetProperty("items").GetArrayLength());
        Assert.Equal(2, (await coordinator.GetAsync($"{Agents}?cursor={service}", app1)).Json.GetProperty("items").GetArrayLength() + 1);
        Assert.Equal(1, (await coordinator.GetAsync($"{Agents}/{root}/children", app1)).Json.GetProperty("items").GetArrayLength());
        Assert.Equal(1, (await coordinator.GetAsync($"{Delegations}/inbound/{root}", app1)).Json.GetProperty("items").GetArrayLength());
        Assert.Equal(3, (await coordinator.GetAsync($"{Delegations}/active", app1)).Json.GetProperty("items").GetArrayLength());
        Assert.Equal(3, (await coordinator.GetAsync($"{Delegations}/{edgeId}/impact", TestSettings.OperatorToken)).Json.GetProperty("affected_edges").GetArrayLength());
        Assert.Equal("""["read"]""", (await coordinator.GetAsync($"{Agents}/{root}/effective-authority", app1)).Json.GetProperty("effective_scopes").GetRawText());

        // Leases and pauses
        Assert.Equal(200, (await coordinator.PostAsync($"{Agents}/{service}/heartbeat", app1, """{"lease_generation":1}""")).Status);
        Assert.Equal(200, (await coordinator.PostAsync($"{Agents}/{service}/lease", app1, null)).Status);
        Assert.Equal(200, (await coordinator.SendAsync("PATCH", $"{Agents}/{service}/suspend", app1)).Status);
        Assert.Equal(200, (await coordinator.SendAsync("PATCH", $"{Agents}/{service}/resume", app1)).Status);

        // Ends
        Assert.Equal(3, (await coordinator.SendAsync("PATCH", $"{Delegations}/{edgeId}/revoke", app1)).Json.GetProperty("revoked_edges").GetInt32());
        var message = await coordinator.NextAsync("caracal.delegations.invalidate", e => e.Value("event") == "edge_revoke" && e.Value("edge_id") == edgeId);
        Assert.Equal("2", message.Value("epoch"));
        Assert.Equal(204, (await coordinator.SendAsync("DELETE", $"{Agents}/{other}", app1)).Status);

        // Jobs
        var last = await coordinator.StartSessionAsync(more: ",\"ttl_seconds\":5");
        var lease = await coordinator.StartSessionAsync(more: ",\"lifecycle\":\"service\"");
        await coordinator.DelegateAsync(last, lease, ""","resource_id":"r2","ttl_seconds":3""");
        coordinator.Time.Advance(TimeSpan.FromSeconds(130));
        await coordinator.RunJobAsync("retention_cleanup");
        await coordinator.RunJobAsync("ttl_sweep");
        await coordinator.RunJobAsync("service_lease_sweep");
        Assert.Equal("expired", (await coordinator.GetAsync($"{Agents}/{last}", app1)).Json.GetProperty("status").GetString());
        Assert.Equal("suspended", (await coordinator.GetAsync($"{Agents}/{lease}", app1)).Json.GetProperty("status").GetString());
        await coordinator.NextAsync("caracal.delegations.invalidate", e => e.Value("event") == "edge_expire");
        Assert.Equal("terminated", (await coordinator.GetAsync($"{Agents}/{service}", app1)).Json.GetProperty("status").GetString());
        coordinator.Time.Advance(TimeSpan.FromDays(10));
        await coordinator.RunJobAsync("retention_cleanup");
        Assert.Equal(0, await coordinator.ScalarAsync<long>("SELECT count(*) FROM coordinator_idempotency_receipts"));

        // Figures
        Assert.Contains("caracal_sessions{status=\"expired\"} 1", (await coordinator.GetAsync("/metrics", TestSettings.MetricsBearer)).Body, StringComparison.Ordinal);
        Assert.Equal(200, (await coordinator.GetAsync("/ready", null)).Status);
        Assert.True(await coordinator.ScalarAsync<long>("SELECT count(*) FROM admin_audit_events") > 10);
    }

    [Fact]
    public async Task Never_passes_the_zone_limit_or_deadlocks_under_load_on_postgres()
    {
        await using var coordinator = await TestCoordinator.StartAsync(e => e["MAX_AGENTS_PER_ZONE"] = "8", engine: Engine.Postgres);
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => coordinator.PostAsync(Agents, coordinator.App1, """{"application_id":"app1"}""")));
        Assert.Equal(8, answers.Count(answer => answer.Status == 201));
        var ids = answers.Where(answer => answer.Status == 201).Select(answer => answer.Json.GetProperty("agent_session_id").GetString()!).ToArray();
        var edges = new List<string>();
        for (var i = 0; i + 1 < ids.Length; i += 2)
        {
            edges.Add((await coordinator.DelegateAsync(ids[i], ids[i + 1], ""","resource_id":"r1","ttl_seconds":60""")).Json.GetProperty("delegation_edge_id").GetString()!);
        }

        // Revocations and ends cross each other; v1.0 locked rows in opposite orders here (19.8).
        var crossing = await Task.WhenAll(
            edges.Select(edge => coordinator.SendAsync("PATCH", $"{Delegations}/{edge}/revoke", coordinator.App1))
                .Concat(ids.Select(id => coordinator.SendAsync("DELETE", $"{Agents}/{id}", coordinator.App1))));
        Assert.All(crossing, answer => Assert.Contains(answer.Status, new[] { 200, 204, 404 }));
        Assert.Equal(0, await coordinator.ScalarAsync<long>("SELECT count(*) FROM sessions WHERE status = 'active'"));
    }

    [Fact]
    public async Task Expires_a_task_once_however_many_replicas_sweep()
    {
        await using var coordinator = await TestCoordinator.StartAsync(engine: Engine.Postgres);
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add(await coordinator.StartSessionAsync(more: ",\"ttl_seconds\":5"));
        }

        coordinator.Time.Advance(TimeSpan.FromSeconds(6));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => coordinator.RunJobAsync("ttl_sweep")));
        Assert.Equal(5, await coordinator.ScalarAsync<long>("SELECT count(*) FROM sessions WHERE status = 'expired'"));
        Assert.Equal(5, await coordinator.ScalarAsync<long>("SELECT count(*) FROM caracal_outbox WHERE dedupe_key LIKE 'terminate:%'"));
        Assert.Equal(5, await coordinator.ScalarAsync<long>("SELECT count(*) FROM caracal_outbox WHERE dedupe_key LIKE 'agent_terminate:%'"));
    }
}
