using Caracal.Protocol.Mandates;

namespace Caracal.Sts.Tests.TokenExchange;

/// <summary>sts.md 2.2 to 2.4, 6, 7: what is minted, from what, and for how long.</summary>
public sealed class MintTests
{
    [Fact]
    public async Task A_bootstrap_gives_a_session_mandate_for_the_issuer()
    {
        await using var sts = await StsHarness.StartAsync();
        var answer = await sts.PostAsync(StsHarness.Bootstrap(), requestId: "req-b");
        Assert.Equal(200, answer.Status);
        Assert.Equal("no-store", answer.Response.Headers.CacheControl!.ToString());
        Assert.Equal(("Bearer", "900", "agent:lifecycle"), (answer.Text("token_type"), answer.Text("expires_in"), answer.Text("scope")));
        Assert.Equal("urn:ietf:params:oauth:token-type:access_token", answer.Text("issued_token_type"));
        Assert.Equal("""["resource://nucleus"]""", answer.Text("target_resources"));
        Assert.Null(answer.Text("upstreams"));

        var claims = answer.Claims;
        Assert.Equal((StsHarness.Issuer, "app-p", "zone-1", "app-p"), (claims.Issuer, claims.Subject, claims.ZoneId, claims.ClientId));
        Assert.Equal([StsHarness.Issuer], claims.Audience);
        Assert.Equal((MandateUse.Session, "application", claims.Sid), (claims.Use, claims.SubjectType, claims.RootSid));
        Assert.Equal(900, claims.ExpiresAt - claims.IssuedAt);
        Assert.Null(claims.AgentSessionId);
        Assert.Equal("active", await sts.ScalarAsync<string>("SELECT status FROM authority_records WHERE id = @Sid AND session_type = 'application' AND subject_id = 'app-p' AND parent_id IS NULL", claims));

        var allowed = Assert.Single(await sts.EventsAsync());
        Assert.Equal(("token_exchange", "allow", "complete", "req-b"), (Text(allowed, "event_type"), Text(allowed, "decision"), Text(allowed, "evaluation_status"), Text(allowed, "request_id")));
        Assert.Equal("""[{"policy":"caracal-bootstrap"}]""", allowed.GetProperty("determining_policies_json").GetRawText());
        Assert.Equal("resource://nucleus", allowed.GetProperty("metadata_json").GetProperty("resource").GetString());
    }

    [Fact]
    [Trait("requirement", "R3")]
    [Trait("requirement", "R34")]
    public async Task A_signature_verifies_under_the_published_key()
    {
        await using var sts = await StsHarness.StartAsync();
        var token = MandateToken.TryParse((await sts.PostAsync(StsHarness.Bootstrap())).Token)!;
        var key = await sts.Service.ZoneKeys.FindAsync("zone-1", token.KeyId!, CancellationToken.None);
        Assert.True(key!.Verify(token));
        Assert.Equal("ES256", token.Algorithm);
    }

    [Theory]
    [InlineData("3600", 3600)]
    [InlineData("1", 1)]
    [InlineData("0", 900)]
    [InlineData("", 900)]
    public async Task The_lifetime_asked_for_is_given_up_to_the_cap(string ttl, int seconds)
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal(seconds.ToString(), (await sts.PostAsync(StsHarness.Bootstrap(("ttl_seconds", ttl)))).Text("expires_in"));
    }

    [Fact]
    [Trait("requirement", "R93")]
    public async Task Without_an_active_policy_set_everything_is_denied()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.SqlAsync("UPDATE policy_set_bindings SET active_version_id = NULL");
        var answer = await sts.PostAsync(StsHarness.Bootstrap());
        Assert.Equal((403, "policy denied (no_active_policy_set)"), (answer.Status, answer.Description));
        Assert.Equal(["complete", "exchange_denied"], await sts.DenialsAsync());
    }

    [Fact]
    public async Task A_bootstrap_on_somebody_elses_resource_matches_no_rule()
    {
        await using var sts = await StsHarness.StartAsync();
        var answer = await sts.PostAsync(StsHarness.Bootstrap(("application_id", "app-o")));
        Assert.Equal((403, "policy denied (no_rule_matched)"), (answer.Status, answer.Description));
    }

    [Fact]
    public async Task A_resource_may_be_named_by_its_row_and_an_unknown_one_is_skipped()
    {
        await using var sts = await StsHarness.StartAsync();
        var form = StsHarness.Bootstrap(("resource", "res-1"));
        form.Add(new("resource", "resource://nowhere"));
        var answer = await sts.PostAsync(form);
        Assert.Equal("""["resource://nucleus"]""", answer.Text("target_resources"));
        Assert.Equal(["resource_not_found"], await sts.DenialsAsync());
        var nothing = await sts.PostAsync(StsHarness.Bootstrap(("resource", "resource://nowhere")));
        Assert.Equal((403, "policy denied"), (nothing.Status, nothing.Description));
    }

    [Fact]
    public async Task A_scope_the_resource_does_not_declare_is_skipped()
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Bootstrap(("scope", "nucleus:destroy")))).Status);
        Assert.Equal(["scope_mismatch", "exchange_denied"], await sts.DenialsAsync());
    }

    [Fact]
    public async Task The_lifecycle_scope_needs_an_upstream()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.SqlAsync("UPDATE resources SET upstream_url = NULL WHERE id = 'res-1'");
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Bootstrap())).Status);
    }

    [Fact]
    [Trait("requirement", "R80")]
    public async Task Over_the_mint_ceiling_is_429()
    {
        await using var sts = await StsHarness.StartAsync(("STS_MINT_RATE_LIMIT_PER_MIN", "1"));
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Bootstrap())).Status);
        var answer = await sts.PostAsync(StsHarness.Bootstrap());
        Assert.Equal((429, "provider_rate_limited"), (answer.Status, answer.Error));
        Assert.NotNull(answer.Response.Headers.RetryAfter);
        Assert.Equal(["rate_limited", "exchange_denied"], await sts.DenialsAsync());
    }

    [Fact]
    public async Task A_delegated_mint_is_a_gateway_mandate_with_its_chain()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.SqlAsync("INSERT INTO delegation_graph_epochs (zone_id, epoch, updated_at) VALUES ('zone-1', 7, @now)", new { now = DateTimeOffset.UtcNow });
        var answer = await sts.PostAsync(StsHarness.Mint());
        Assert.Equal(200, answer.Status);
        var claims = answer.Claims;
        Assert.Equal((MandateUse.Gateway, "s2", "e1", "s1", "s2"), (claims.Use, claims.AgentSessionId, claims.DelegationEdgeId, claims.SourceSessionId, claims.TargetSessionId));
        Assert.Equal([StsHarness.Issuer], claims.Audience);
        Assert.Equal(["e1"], claims.DelegationPath);
        Assert.Equal(2, claims.DelegationChain.Count);
        Assert.Equal((1, 7L, claims.Sid), (claims.HopCount, claims.GraphEpoch, claims.RootSid));
        var metadata = (await sts.EventsAsync()).Single().GetProperty("metadata_json");
        Assert.Equal(("s2", "e1", 1), (Text(metadata, "agent_session_id"), Text(metadata, "delegation_edge_id"), metadata.GetProperty("delegation_hop_count").GetInt32()));
    }

    [Theory]
    [InlineData("UPDATE delegation_edges SET status = 'revoked', revoked_at = 1 WHERE id = 'e1'")]
    [InlineData("UPDATE delegation_edges SET expires_at = 1 WHERE id = 'e1'")]
    [InlineData("UPDATE sessions SET status = 'suspended' WHERE id = 's2'")]
    [InlineData("UPDATE sessions SET status = 'terminated', terminated_at = 1 WHERE id = 's1'")]
    [InlineData("UPDATE delegation_edges SET scopes = '[\"nucleus:read\"]' WHERE id = 'e1'")]
    [InlineData("UPDATE delegation_edges SET constraints_json = '{\"x\":1}' WHERE id = 'e1'")]
    public async Task A_delegation_or_session_that_no_longer_holds_is_refused_at_once(string change)
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
        await sts.SqlAsync(change);
        var answer = await sts.PostAsync(StsHarness.Mint());
        Assert.Equal((403, "access_denied"), (answer.Status, answer.Error));
        Assert.Equal(2, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records"));
    }

    [Fact]
    public async Task A_delegation_without_a_session_or_of_another_application_is_refused()
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Mint(("agent_session_id", null)))).Status);
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Mint(("application_id", "app-o")))).Status);
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Mint(("delegation_edge_id", "e9")))).Status);
    }

    [Fact]
    public async Task A_resource_outside_the_delegation_is_skipped()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.SqlAsync("UPDATE delegation_edges SET resource_id = 'res-2' WHERE id = 'e1'");
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Mint())).Status);
        Assert.Contains("resource_outside_delegation", await sts.DenialsAsync());
    }

    [Fact]
    public async Task A_mandate_ends_with_its_delegation()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.SqlAsync("UPDATE delegation_edges SET expires_at = @end WHERE id = 'e1'", new { end = DateTimeOffset.UtcNow.AddSeconds(100) });
        Assert.InRange(int.Parse((await sts.PostAsync(StsHarness.Mint())).Text("expires_in")!), 95, 100);
        await sts.SqlAsync("""UPDATE delegation_edges SET constraints_json = '{"expires_at":"tomorrow"}' WHERE id = 'e1'""");
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Mint())).Status);
    }

    [Fact]
    public async Task A_mandate_ends_with_its_application()
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync();
        await sts.SqlAsync("UPDATE applications SET expires_at = @end WHERE id = 'app-p'", new { end = DateTimeOffset.UtcNow.AddSeconds(100) });
        foreach (var answer in new[] { await sts.PostAsync(StsHarness.Bootstrap()), await sts.PostAsync(StsHarness.Mint()), await sts.ExchangeAsync(gateway) })
        {
            Assert.InRange(int.Parse(answer.Text("expires_in")!), 90, 100);
        }
    }

    [Fact]
    public async Task A_record_named_without_a_token_must_be_the_callers_own_and_live()
    {
        await using var sts = await StsHarness.StartAsync();
        var own = (await sts.PostAsync(StsHarness.Bootstrap())).Claims.Sid!;
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Bootstrap(("session_id", own)))).Status);
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Bootstrap(("session_id", own), ("application_id", "app-o")))).Status);
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Bootstrap(("session_id", "nothing")))).Status);
        await sts.SqlAsync("UPDATE authority_records SET status = 'revoked' WHERE id = @own", new { own });
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Bootstrap(("session_id", own)))).Status);
    }

    [Fact]
    public async Task A_control_key_mints_without_policy_what_its_traits_allow()
    {
        await using var sts = await StsHarness.StartAsync();
        await SetTraitsAsync(sts, "control:invoke", "control:scope:control:read", "control:max-ttl:120");
        var answer = await sts.PostAsync(StsHarness.Bootstrap(("zone_id", null), ("resource", "caracal-control"), ("scope", "control:read")));
        Assert.Equal((200, "120"), (answer.Status, answer.Text("expires_in")));
        Assert.Equal((MandateUse.Resource, "zone-1"), (answer.Claims.Use, answer.Claims.ZoneId));
        Assert.Equal(["caracal-control"], answer.Claims.Audience);

        await SetTraitsAsync(sts, "control:invoke", "control:scope:control:read", $"control:expires:{DateTimeOffset.UtcNow.AddSeconds(60):yyyy-MM-ddTHH:mm:ssZ}");
        answer = await sts.PostAsync(StsHarness.Bootstrap(("zone_id", null), ("resource", "caracal-control"), ("scope", "control:read")));
        Assert.InRange(int.Parse(answer.Text("expires_in")!), 50, 60);
    }

    [Theory]
    [InlineData("control:scope:control:read")]
    [InlineData("control:invoke")]
    [InlineData("control:invoke", "control:scope:control:read", "control:expires:2020-01-01T00:00:00Z")]
    [InlineData("control:invoke", "control:scope:control:read", "control:expires:soon")]
    public async Task A_control_resource_needs_a_whole_and_live_control_key(params string[] traits)
    {
        await using var sts = await StsHarness.StartAsync();
        await SetTraitsAsync(sts, traits);
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Bootstrap(("resource", "caracal-control"), ("scope", "control:read")))).Status);
        Assert.Contains("control_resource_requires_control_key", await sts.DenialsAsync());
    }

    private static Task SetTraitsAsync(StsHarness sts, params string[] traits) =>
        sts.SqlAsync("UPDATE applications SET traits = @traits WHERE id = 'app-p'", new { traits });

    private static string? Text(System.Text.Json.JsonElement element, string name) => element.GetProperty(name).GetString();
}
