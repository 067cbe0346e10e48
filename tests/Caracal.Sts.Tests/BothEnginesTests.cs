using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.TestKit;

namespace Caracal.Sts.Tests;

/// <summary>The STS's own SQL on both engines, through the service that uses it.</summary>
public sealed class BothEnginesTests
{
    private const string Gate =
        """
        risk := [{"scope": "nucleus:pay", "tier": "high"}]
        approval_tiers := [{"tier": "high", "ttl_seconds": 600}]
        """;

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Mints_exchanges_once_and_remembers_it_over_a_restart(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Bootstrap())).Status);
        var gateway = await sts.MintAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => sts.ExchangeAsync(gateway)));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal(401, answer.Status));
        await sts.RestartAsync();
        Assert.Equal(401, (await sts.ExchangeAsync(gateway)).Status);
        var keyed = await sts.MintAsync(("resource", "resource://keyed"), ("scope", "keyed:use"));
        Assert.Equal(200, (await sts.ExchangeAsync(keyed, resource: "resource://keyed")).Status);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Walks_a_lineage_and_refuses_it_once_its_root_is_gone(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        await sts.SqlAsync(
            """
            INSERT INTO delegation_edges (id, zone_id, source_session_id, target_session_id, issuer_application_id, receiver_application_id,
                parent_edge_id, edge_kind, scopes, constraints_json, status, expires_at, created_at, updated_at)
            VALUES ('e2', 'zone-1', 's1', 's2', 'app-p', 'app-p', 'e1', 'mirror', @scopes, '{"max_hops":1}', 'active', @end, @now, @now)
            """,
            new { scopes = new[] { "nucleus:pay" }, now = DateTimeOffset.UtcNow, end = DateTimeOffset.UtcNow.AddHours(1) });
        var claims = (await sts.PostAsync(StsHarness.Mint(("delegation_edge_id", "e2")))).Claims;
        Assert.Equal(["e1", "e2"], claims.DelegationPath);
        Assert.Equal((2, 3), (claims.HopCount, claims.DelegationChain.Count));
        await sts.SqlAsync("UPDATE delegation_edges SET status = 'revoked', revoked_at = @now WHERE id = 'e1'", new { now = DateTimeOffset.UtcNow });
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Mint(("delegation_edge_id", "e2")))).Status);
    }

    // docs/decisions 0006: what the Coordinator admits (a child's hops are its parent's minus one) can mint, and no more.
    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_chain_mints_as_deep_as_its_root_allows_and_no_deeper(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        await sts.SqlAsync("UPDATE delegation_edges SET constraints_json = @two WHERE id = 'e1'", new { two = new Storage.JsonText("""{"max_hops":2}""") });
        foreach (var (edge, source, target, parent) in new[] { ("e2", "s2", "s3", "e1"), ("e3", "s3", "s4", "e2") })
        {
            await sts.SqlAsync(
                """
                INSERT INTO sessions (id, zone_id, application_id, subject_authority_record_id, status, labels, started_at, last_active_at,
                    ttl_seconds, metadata_json, updated_at, lifecycle)
                SELECT @target, zone_id, application_id, subject_authority_record_id, status, labels, started_at, last_active_at,
                    ttl_seconds, metadata_json, updated_at, lifecycle FROM sessions WHERE id = 's2'
                """,
                new { target });
            await sts.SqlAsync(
                """
                INSERT INTO delegation_edges (id, zone_id, source_session_id, target_session_id, issuer_application_id, receiver_application_id,
                    parent_edge_id, scopes, constraints_json, status, expires_at, created_at, updated_at)
                VALUES (@edge, 'zone-1', @source, @target, 'app-p', 'app-p', @parent, @scopes, @constraints, 'active', @end, @now, @now)
                """,
                new
                {
                    edge,
                    source,
                    target,
                    parent,
                    scopes = new[] { "nucleus:pay" },
                    constraints = new Storage.JsonText(edge == "e2" ? "{}" : """{"max_hops":9}"""),
                    now = DateTimeOffset.UtcNow,
                    end = DateTimeOffset.UtcNow.AddHours(1),
                });
        }

        var two = await sts.PostAsync(StsHarness.Mint(("agent_session_id", "s3"), ("delegation_edge_id", "e2")));
        Assert.Equal(["e1", "e2"], two.Claims.DelegationPath);
        Assert.Equal(3, two.Claims.DelegationChain.Count);
        Assert.Equal(200, (await sts.ExchangeAsync(two.Token)).Status);
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Mint(("agent_session_id", "s4"), ("delegation_edge_id", "e3")))).Status);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Holds_a_gated_mint_and_spends_its_approval(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        await sts.ActivateAsync(StsHarness.Documents(Gate));
        var id = (await sts.PostAsync(StsHarness.Mint())).Text("approval_id")!;
        Assert.Equal(id, (await sts.PostAsync(StsHarness.Mint())).Text("approval_id"));
        Assert.Equal("pending", (await sts.GetAsync($"/approvals/{id}")).Text("state"));
        await sts.SqlAsync(
            "UPDATE step_up_challenges SET satisfied_at = @now, approver_subject_id = 'operator' WHERE id = @id", new { id, now = DateTimeOffset.UtcNow });
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint(("approval_id", id)))).Status);
        Assert.Equal("consumed", (await sts.GetAsync($"/approvals/{id}")).Text("state"));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Publishes_and_rotates_keys(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var before = MandateToken.TryParse(await sts.MintAsync())!.KeyId;
        Assert.Equal(200, (await sts.SendAsync(sts.Signed(HttpMethod.Post, "/internal/zones/zone-1/signing-key/rotate", []))).Status);
        Assert.NotEqual(before, MandateToken.TryParse(await sts.MintAsync())!.KeyId);
        var jwks = await sts.GetAsync("/.well-known/jwks.json?zone_id=zone-1");
        Assert.Equal(2, jwks.Body.GetProperty("keys").GetArrayLength());
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Revokes_a_record_with_its_descendants(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var gateway = MandateToken.TryParse(await sts.MintAsync())!.Claims;
        var id = await sts.Streams.AppendAsync(
            Topics.SessionsRevoke, [new("zone_id", "zone-1"), new("session_id", gateway.Sid!)], null, CancellationToken.None);
        await sts.Streams.SettledAsync(Topics.SessionsRevoke, id, CancellationToken.None);
        Assert.Equal(
            "session_revoked",
            await sts.ScalarAsync<string>("SELECT revoked_reason FROM authority_records WHERE id = @Sid AND status = 'revoked'", gateway));
    }
}
