using Caracal.Coordinator.Tests.Support;

namespace Caracal.Coordinator.Tests.Delegations;

/// <summary>coordinator.md 8, 17 and 20.12 to 20.16 on the wire.</summary>
public sealed class DelegationTests
{
    private const string Delegations = "/zones/z1/delegations";

    [Fact]
    public async Task Ends_what_was_handed_on_when_the_session_it_came_from_ends()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var (a, b, c) = (await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync());
        await coordinator.DelegateAsync(a, b, ""","resource_id":"r1","ttl_seconds":600,"constraints":{"max_hops":3}""");
        var below = await coordinator.DelegateAsync(b, c, ""","resource_id":"r1","ttl_seconds":60""");
        var id = below.Json.GetProperty("delegation_edge_id").GetString();
        Assert.Equal(204, (await coordinator.SendAsync("DELETE", $"/zones/z1/agents/{a}", coordinator.App1)).Status);
        Assert.Equal(0, await coordinator.ScalarAsync<long>("SELECT count(*) FROM delegation_edges WHERE status = 'active'"));
        Assert.Equal(2, await coordinator.ScalarAsync<long>("SELECT count(*) FROM sessions WHERE status = 'active'")); // both holders live on
        await coordinator.NextAsync("caracal.sessions.revoke", e => e.Value("delegation_edge_id") == id);
    }

    [Fact]
    public async Task Refuses_delegations_in_the_specified_order()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var a = await coordinator.StartSessionAsync();
        var b = await coordinator.StartSessionAsync();
        var other = await coordinator.StartSessionAsync("app2");

        (await coordinator.DelegateAsync(a, b, ""","ttl_seconds":0""")).AssertRefused(400, "invalid_body");
        (await coordinator.DelegateAsync(a, b, ""","expires_at":"2030-01-01T00:00Z" """)).AssertRefused(400, "invalid_body");
        (await coordinator.DelegateAsync(a, b, ""","constraints":{"nope":1}""")).AssertRefused(400, "invalid_delegation_constraint");
        (await coordinator.DelegateAsync(a, b, ""","constraints":{"max_hops":11}""")).AssertRefused(400, "invalid_max_hops");
        (await coordinator.DelegateAsync(a, b)).AssertRefused(400, "delegation_expiry_required");
        (await coordinator.DelegateAsync(a, b, ""","ttl_seconds":60""", coordinator.Token("app2"))).AssertRefused(403, "issuer_ownership_required");
        (await coordinator.DelegateAsync(a, a, ""","ttl_seconds":60""")).AssertRefused(400, "self_delegation_denied");
        (await coordinator.DelegateAsync(a, b, ""","ttl_seconds":60""")).AssertRefused(403, "broad_delegation_permission_required");
        (await coordinator.DelegateAsync(a, "unknown", ""","ttl_seconds":60,"resource_id":"r1" """)).AssertRefused(404, "delegation_endpoint_not_found");
        (await coordinator.DelegateAsync(a, other, ""","ttl_seconds":60,"resource_id":"r1" """)).AssertRefused(409, "delegation_application_mismatch");
        (await coordinator.DelegateAsync(a, b, ""","ttl_seconds":60,"resource_id":"r9" """)).AssertRefused(404, "resource_not_found");
        (await coordinator.DelegateAsync(a, b, ""","ttl_seconds":60,"resource_id":"r1","constraints":{"resources":["resource://r2"]}""")).AssertRefused(400, "delegation_resource_scope_mismatch");
        (await coordinator.DelegateAsync(a, b, ""","ttl_seconds":60,"resource_id":"r1","scopes":["admin"]""")).AssertRefused(403, "delegation_scopes_exceed_resource");
        (await coordinator.DelegateAsync(a, b, ""","ttl_seconds":60,"resource_id":"r1","parent_edge_id":"none" """)).AssertRefused(403, "parent_delegation_not_active");
        (await coordinator.DelegateAsync(a, b, ""","resource_id":"r1","expires_at":"2020-01-01T00:00:00Z" """)).AssertRefused(400, "delegation_expired");
        Assert.Equal(0, await coordinator.ScalarAsync<long>("SELECT count(*) FROM delegation_edges"));

        Assert.Equal(201, (await coordinator.DelegateAsync(a, b, ""","ttl_seconds":60,"resource_id":"r1" """)).Status);
        (await coordinator.DelegateAsync(b, a, ""","ttl_seconds":60,"resource_id":"r1" """)).AssertRefused(403, "delegation_exceeds_parent_authority");
        (await coordinator.SendAsync("PATCH", $"/zones/z1/agents/{b}/suspend", coordinator.App1)).Json.GetProperty("suspended");
        (await coordinator.DelegateAsync(a, b, ""","ttl_seconds":60,"resource_id":"r1" """)).AssertRefused(404, "delegation_endpoint_not_found");
    }

    [Fact]
    public async Task Answers_the_application_owned_narrow_edge_of_the_specification()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var s = await coordinator.StartSessionAsync();
        var t = await coordinator.StartSessionAsync();
        var answer = await coordinator.DelegateAsync(s, t, ""","scopes":["read"],"constraints":{"resources":["resource://r1"]},"ttl_seconds":1020""");
        Assert.Equal(201, answer.Status);
        Assert.Equal(System.Text.Json.JsonValueKind.Null, answer.Json.GetProperty("resource_id").ValueKind);
        Assert.Equal("""{"resources":["resource://r1"],"ttl_seconds":1020}""", answer.Json.GetProperty("constraints_json").GetRawText());
        Assert.Equal("""["same_zone_endpoints_active","resource_scope_checked","source_authority_root","typed_constraints_validated"]""", answer.Json.GetProperty("allow_reason").GetRawText());
        var effective = answer.Json.GetProperty("effective_authority");
        Assert.Equal("""["resource://r1"]""", effective.GetProperty("resources").GetRawText());
        Assert.Equal((1, 1020, false), (effective.GetProperty("max_hops").GetInt32(), effective.GetProperty("ttl_seconds").GetInt32(), effective.GetProperty("broad").GetBoolean()));

        // 19.4: a new edge makes nobody's mandate stale.
        var edge = answer.Json.GetProperty("delegation_edge_id").GetString();
        var message = await coordinator.NextAsync("caracal.delegations.invalidate", e => e.Value("event") == "edge_create");
        Assert.Equal((edge, s, t, "1"), (message.Value("edge_id"), message.Value("source_session_id"), message.Value("target_session_id"), message.Value("epoch")));
        await coordinator.DelegateAsync(s, t, ""","resource_id":"resource://r2","ttl_seconds":60""");
        Assert.Equal(1, await coordinator.ScalarAsync<long>("SELECT epoch FROM delegation_graph_epochs WHERE zone_id = 'z1'"));
        Assert.Equal("r2", await coordinator.ScalarAsync<string>("SELECT resource_id FROM delegation_edges WHERE resource_id IS NOT NULL"));
    }

    [Fact]
    public async Task Marks_a_broad_delegation_that_is_allowed()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var a = await coordinator.StartSessionAsync();
        var b = await coordinator.StartSessionAsync();
        var answer = await coordinator.DelegateAsync(a, b, ""","ttl_seconds":60,"scopes":["anything"]""", coordinator.Token("app1", "coordinator.delegate_broad:app1"));
        Assert.Equal(201, answer.Status);
        Assert.Equal("""["resource_null_delegation_broadens_resource_matching"]""", answer.Json.GetProperty("warnings").GetRawText());
        Assert.Equal("""{"ttl_seconds":60,"policy_approved":true,"broad_reason":"resource_null_delegation"}""", answer.Json.GetProperty("constraints_json").GetRawText());
        var active = await coordinator.GetAsync($"{Delegations}/active", coordinator.App1);
        Assert.Equal("resource_null_delegation", active.Json.GetProperty("items")[0].GetProperty("broad_reason").GetString());
    }

    [Fact]
    public async Task Only_narrows_what_was_delegated()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var (a, b, c, d) = (await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync());
        await coordinator.DelegateAsync(a, d, ""","ttl_seconds":600,"resource_id":"r1","scopes":["read"]""");
        (await coordinator.DelegateAsync(d, c, ""","ttl_seconds":60,"resource_id":"r1","scopes":["read"]""")).AssertRefused(403, "delegation_exceeds_parent_authority");

        var parent = await coordinator.DelegateAsync(a, b, ""","ttl_seconds":600,"resource_id":"r1","scopes":["read","write"],"constraints":{"max_hops":2}""");
        Assert.Equal(201, parent.Status);
        (await coordinator.DelegateAsync(b, c, ""","ttl_seconds":1200,"resource_id":"r1","scopes":["read"]""")).AssertRefused(403, "delegation_exceeds_parent_authority");
        (await coordinator.DelegateAsync(b, c, ""","ttl_seconds":60,"resource_id":"r2","scopes":["read"]""")).AssertRefused(403, "delegation_exceeds_parent_authority");
        (await coordinator.DelegateAsync(b, c, ""","ttl_seconds":60,"resource_id":"r1","scopes":["read"],"constraints":{"max_hops":2}""")).AssertRefused(403, "delegation_exceeds_parent_authority");
        var child = await coordinator.DelegateAsync(b, c, ""","ttl_seconds":60,"resource_id":"r1","scopes":["read"]""");
        Assert.Contains("parent_authority_narrowed", child.Json.GetProperty("allow_reason").EnumerateArray().Select(e => e.GetString()));
        Assert.Equal(parent.Json.GetProperty("delegation_edge_id").GetString(), child.Json.GetProperty("parent_edge_id").GetString());
        (await coordinator.DelegateAsync(c, a, ""","ttl_seconds":10,"resource_id":"r1","scopes":["read"]""")).AssertRefused(403, "delegation_exceeds_parent_authority");

        // The holder of an edge that ran out is no root (19.7).
        coordinator.Time.Advance(TimeSpan.FromSeconds(61));
        (await coordinator.DelegateAsync(c, d, ""","ttl_seconds":10,"resource_id":"r1" """)).AssertRefused(403, "parent_delegation_not_active");
    }

    [Fact]
    public async Task Refuses_a_cycle()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var (a, b) = (await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync());
        await coordinator.DelegateAsync(a, b, ""","ttl_seconds":600,"resource_id":"r1","constraints":{"max_hops":5}""");
        (await coordinator.DelegateAsync(b, a, ""","ttl_seconds":60,"resource_id":"r1" """)).AssertRefused(409, "delegation_cycle_denied");
    }

    [Fact]
    public async Task Lets_a_child_inherit_its_parents_one_edge_and_no_bit_more()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var (a, b) = (await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync());
        var edge = await coordinator.DelegateAsync(a, b, ""","ttl_seconds":600,"resource_id":"r1","scopes":["read"]""");
        var child = await coordinator.PostAsync("/zones/z1/agents", coordinator.App1, $$"""{"application_id":"app1","parent_id":"{{b}}"}""");
        var mirror = child.Json.GetProperty("delegation_edge_id").GetString();
        var inbound = (await coordinator.GetAsync($"{Delegations}/inbound/{child.Json.GetProperty("agent_session_id").GetString()}", coordinator.App1)).Json.GetProperty("items")[0];
        Assert.Equal(mirror, inbound.GetProperty("id").GetString());
        Assert.Equal("""["read"]""", inbound.GetProperty("scopes").GetRawText());
        Assert.Equal(edge.Json.GetProperty("expires_at").GetString(), inbound.GetProperty("expires_at").GetString());
        Assert.Equal("mirror", await coordinator.ScalarAsync<string>("SELECT edge_kind FROM delegation_edges WHERE id = @mirror", new { mirror }));

        var none = await coordinator.PostAsync("/zones/z1/agents", coordinator.App1, $$"""{"application_id":"app1","parent_id":"{{b}}","parent_authority":"none"}""");
        Assert.Null(none.Json.GetProperty("delegation_edge_id").GetString());
        (await coordinator.PostAsync("/zones/z1/agents", coordinator.App1, $$"""{"application_id":"app1","parent_id":"{{b}}","inherit_parent_edge_id":"x"}""")).AssertRefused(409, "inherit_parent_edge_not_active");
        await coordinator.DelegateAsync(a, b, ""","ttl_seconds":600,"resource_id":"r2" """);
        (await coordinator.PostAsync("/zones/z1/agents", coordinator.App1, $$"""{"application_id":"app1","parent_id":"{{b}}"}""")).AssertRefused(409, "inherit_parent_edge_ambiguous");
        Assert.Equal(2, (await coordinator.GetAsync($"/zones/z1/agents/{b}", coordinator.App1)).Json.GetProperty("child_count").GetInt32());
    }

    [Fact]
    public async Task Shows_each_reader_the_shape_its_clients_expect()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var a = await coordinator.StartSessionAsync();
        var b = await coordinator.StartSessionAsync("app2");
        var edge = (await coordinator.DelegateAsync(a, b, ""","ttl_seconds":600,"resource_id":"r1" """, receiver: "app2")).Json.GetProperty("delegation_edge_id").GetString()!;
        var app2 = coordinator.Token("app2");

        var accepted = await coordinator.GetAsync($"{Delegations}/inbound/{b}/{edge}", app2);
        Assert.Equal((edge, "active"), (accepted.Json.GetProperty("id").GetString(), accepted.Json.GetProperty("status").GetString()));
        (await coordinator.GetAsync($"{Delegations}/inbound/{b}/{edge}", coordinator.App1)).AssertRefused(404, "delegation_not_found");
        (await coordinator.GetAsync($"{Delegations}/inbound/{b}", coordinator.App1)).AssertRefused(404, "session_not_found");
        (await coordinator.GetAsync($"{Delegations}/inbound/{b}?cursor=x", app2)).AssertRefused(400, "invalid_cursor");
        Assert.Equal(1, (await coordinator.GetAsync($"{Delegations}/inbound/{b}", app2)).Json.GetProperty("items").GetArrayLength());
        Assert.Equal(1, (await coordinator.GetAsync($"{Delegations}/outbound/{a}", TestSettings.OperatorToken)).Json.GetArrayLength());
        Assert.Equal(1, (await coordinator.GetAsync($"{Delegations}/outbound/{a}?limit=100", TestSettings.OperatorToken)).Json.GetProperty("items").GetArrayLength());

        (await coordinator.GetAsync($"{Delegations}/{edge}/traverse", app2)).AssertRefused(403, "coordinator_admin_required");
        Assert.Equal($$"""[{"id":"{{edge}}","source_session_id":"{{a}}","target_session_id":"{{b}}","depth":1}]""", (await coordinator.GetAsync($"{Delegations}/{edge}/traverse", TestSettings.OperatorToken)).Body);
        Assert.Equal("[]", (await coordinator.GetAsync($"{Delegations}/unknown/traverse", TestSettings.OperatorToken)).Body);
        (await coordinator.GetAsync($"{Delegations}/unknown/impact", TestSettings.OperatorToken)).AssertRefused(404, "delegation_not_found");
        var impact = (await coordinator.GetAsync($"{Delegations}/{edge}/impact", TestSettings.OperatorToken)).Json;
        Assert.Equal(b, impact.GetProperty("affected_agents")[0].GetString());
        Assert.Equal("rec-app2", impact.GetProperty("affected_subject_sessions")[0].GetString());

        (await coordinator.GetAsync($"/zones/z1/agents/{b}/effective-authority", coordinator.App1)).AssertRefused(404, "session_not_found");
        var held = (await coordinator.GetAsync($"/zones/z1/agents/{b}/effective-authority", app2)).Json;
        Assert.Equal("""["r1"]""", held.GetProperty("effective_resources").GetRawText());
        Assert.Equal(
            $$"""{"agent_session_id":"{{a}}","inbound_edges":[],"effective_scopes":[],"effective_resources":[],"effective_max_hops":0,"effective_ttl_seconds":null,"earliest_expires_at":null}""",
            (await coordinator.GetAsync($"/zones/z1/agents/{a}/effective-authority", coordinator.App1)).Body);
    }

    [Fact]
    public async Task Revokes_an_edge_with_all_that_came_of_it()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var (a, b, c) = (await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync());
        var edge = (await coordinator.DelegateAsync(a, b, ""","ttl_seconds":600,"resource_id":"r1","constraints":{"max_hops":2}""")).Json.GetProperty("delegation_edge_id").GetString();
        var next = (await coordinator.DelegateAsync(b, c, ""","ttl_seconds":60,"resource_id":"r1" """)).Json.GetProperty("delegation_edge_id").GetString();
        (await coordinator.SendAsync("PATCH", $"{Delegations}/{edge}/revoke", coordinator.Token("app2"))).AssertRefused(403, "issuer_ownership_required");
        var revoked = await coordinator.SendAsync("PATCH", $"{Delegations}/{edge}/revoke", coordinator.App1);
        Assert.Equal("""{"revoked_edges":2,"affected_sessions":1,"terminated_sessions":2}""", revoked.Body);
        (await coordinator.SendAsync("PATCH", $"{Delegations}/{edge}/revoke", coordinator.App1)).AssertRefused(404, "delegation_not_found");
        Assert.Equal("active", (await coordinator.GetAsync($"/zones/z1/agents/{a}", coordinator.App1)).Json.GetProperty("status").GetString());

        var first = await coordinator.NextAsync("caracal.delegations.invalidate", e => e.Value("event") == "edge_revoke" && e.Value("edge_id") == edge);
        Assert.Equal(("2", "2", null), (first.Value("affected_edges"), first.Value("epoch"), first.Value("reason")));
        var second = await coordinator.NextAsync("caracal.delegations.invalidate", e => e.Value("event") == "edge_revoke" && e.Value("edge_id") == next);
        Assert.Equal(("delegation_revoked", "2", null), (second.Value("reason"), second.Value("epoch"), second.Value("affected_edges")));
        await coordinator.NextAsync("caracal.sessions.revoke", e => e.Value("agent_session_id") == c && e.Value("reason") == "delegation_revoked");
        await coordinator.NextAsync("caracal.sessions.revoke", e => e.Value("delegation_edge_id") == edge);
        await coordinator.NextAsync("caracal.sessions.revoke", e => e.Value("delegation_edge_id") == next);
    }
}
