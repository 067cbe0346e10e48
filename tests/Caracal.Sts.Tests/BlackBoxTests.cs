using System.Text.Json;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Sts.Tests.Federation;
using Caracal.Sts.Tests.Servers;
using Caracal.TestKit;

namespace Caracal.Sts.Tests;

/// <summary>
/// sts.md 17, by number. The checks that another suite already makes whole are there: 2 in <see cref="StsSettingsTests"/>,
/// 10 to 12 in GatewayExchangeTests, 15 to 19 in Approvals, 25 in the vectors of Keys, Protocol and Authority.
/// </summary>
public sealed class BlackBoxTests
{
    private const string Gate =
        """
        risk := [{"scope": "nucleus:pay", "tier": "high"}]
        approval_tiers := [{"tier": "high", "ttl_seconds": 600}]
        """;

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Check_01_ready_until_shared_state_is_gone_and_then_no_token(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        Assert.Equal(200, (await sts.GetAsync("/health")).Status);
        Assert.Equal("True", (await sts.GetAsync("/ready")).Text("ready"));
        sts.State.Broken = true;
        await using var fresh = await sts.ReplicaAsync();
        using var ready = await fresh.Client.GetAsync(new Uri("/ready", UriKind.Relative));
        Assert.Equal(503, (int)ready.StatusCode);
        Assert.Contains("\"reason\":\"redis_unreachable\"", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var answer = await sts.PostAsync(StsHarness.Bootstrap());
        Assert.Equal((503, "sts_unavailable", null), (answer.Status, answer.Error, answer.Text("access_token")));
        Assert.Equal(1, answer.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds);
    }

    [Fact]
    [Trait("requirement", "R124")]
    public async Task Check_03_every_refusal_has_its_envelope_and_echoes_the_request_id()
    {
        await using var sts = await StsHarness.StartAsync();
        foreach (var (form, status) in new (List<KeyValuePair<string, string>>, int)[]
        {
            ([.. StsHarness.Bootstrap(), new("zone_id", "zone-1")], 400), ([.. StsHarness.Bootstrap(), new("actor_token", "")], 400),
            ([.. StsHarness.Bootstrap(), new("padding", new string('x', 70_000))], 413),
        })
        {
            var answer = await sts.PostAsync(form, "my-request-1");
            Assert.Equal((status, "my-request-1"), (answer.Status, answer.Text("requestId")));
            Assert.NotNull(answer.Error);
            Assert.Equal("my-request-1", answer.Response.Headers.GetValues("X-Request-Id").Single());
        }
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Check_04_guesses_are_stopped_and_nobody_else(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        for (var i = 0; i < 60; i++)
        {
            Assert.Equal((401, "access_denied"), Of(await sts.PostAsync(StsHarness.Bootstrap(("client_secret", $"guess {i}")))));
        }

        Assert.Equal(429, (await sts.PostAsync(StsHarness.Bootstrap(("client_secret", "guess")))).Status);
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Bootstrap())).Status);
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Bootstrap(("application_id", "app-o")))).Status);
    }

    [Fact]
    public async Task Check_05_another_zone_is_told_to_the_owner_of_the_secret_only()
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal((403, "zone_invalid"), Of(await sts.PostAsync(StsHarness.Bootstrap(("zone_id", "zone-2")))));
        Assert.Equal((401, "access_denied"), Of(await sts.PostAsync(StsHarness.Bootstrap(("zone_id", "zone-2"), ("client_secret", "wrong")))));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Check_06_no_active_policy_set_denies_all(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        await sts.SqlAsync("DELETE FROM policy_set_bindings");
        var answer = await sts.PostAsync(StsHarness.Bootstrap());
        Assert.Equal((403, "policy denied (no_active_policy_set)"), (answer.Status, answer.Description));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Check_07_a_bootstrap(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var answer = await sts.PostAsync(StsHarness.Bootstrap());
        Assert.Equal((200, "Bearer", 900), (answer.Status, answer.Text("token_type"), answer.Body.GetProperty("expires_in").GetInt32()));
        var payload = JwtParts.TryRead(answer.Token)!.Payload;
        Assert.Equal(("session", $"[\"{StsHarness.Issuer}\"]"), (payload.GetProperty("use").GetString(), payload.GetProperty("aud").GetRawText()));
        Assert.Equal("no-store", answer.Response.Headers.CacheControl!.ToString());
        Assert.Equal(3600, (await sts.PostAsync(StsHarness.Bootstrap(("ttl_seconds", "3600")))).Body.GetProperty("expires_in").GetInt32());
        Assert.Equal(400, (await sts.PostAsync(StsHarness.Bootstrap(("ttl_seconds", "3601")))).Status);
        Assert.Equal(400, (await sts.PostAsync(StsHarness.Bootstrap(("ttl_seconds", "abc")))).Status);
    }

    [Fact]
    public async Task Check_08_a_bootstrap_on_somebody_elses_resource()
    {
        await using var sts = await StsHarness.StartAsync();
        var answer = await sts.PostAsync(StsHarness.Bootstrap(("application_id", "app-o")));
        Assert.Equal((403, "policy denied (no_rule_matched)"), (answer.Status, answer.Description));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Check_09_a_delegated_mint(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var claims = (await sts.PostAsync(StsHarness.Mint())).Claims;
        Assert.Equal((MandateUse.Gateway, 2, 1), (claims.Use, claims.DelegationChain.Count, claims.HopCount));
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Mint(("scope", "nucleus:read")))).Status);
        await sts.SqlAsync("UPDATE delegation_edges SET status = 'revoked', revoked_at = @now", new { now = DateTimeOffset.UtcNow });
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Mint())).Status);
    }

    [Fact]
    [Trait("requirement", "R66")]
    public async Task Check_13_two_keys_and_their_headers()
    {
        await using var sts = await StsHarness.StartAsync();
        var mandate = await sts.MintAsync();
        using var rotate = sts.Signed(HttpMethod.Post, "/internal/zones/zone-1/signing-key/rotate", []);
        Assert.Equal("True", (await sts.SendAsync(rotate)).Text("rotated"));
        var jwks = await sts.GetAsync("/.well-known/jwks.json?zone_id=zone-1");
        Assert.Equal(2, jwks.Body.GetProperty("keys").GetArrayLength());
        Assert.Equal("public, must-revalidate, max-age=300", jwks.Response.Headers.CacheControl!.ToString());
        Assert.Equal(400, (await sts.GetAsync("/.well-known/jwks.json")).Status);
        Assert.Equal(200, (await sts.ExchangeAsync(mandate)).Status);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Check_14_a_gated_scope_is_held_under_one_id(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        await sts.ActivateAsync(StsHarness.Documents(Gate));
        var held = await sts.PostAsync(StsHarness.Mint());
        Assert.Equal((401, "interaction_required", "human_approval"), (held.Status, held.Error, held.Text("approval_type")));
        Assert.Equal(held.Text("approval_id"), (await sts.PostAsync(StsHarness.Mint())).Text("approval_id"));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Check_17_two_retries_at_once_make_one_record(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        await sts.ActivateAsync(StsHarness.Documents(Gate));
        var id = (await sts.PostAsync(StsHarness.Mint())).Text("approval_id")!;
        await sts.SqlAsync("UPDATE step_up_challenges SET satisfied_at = @now, approver_subject_id = 'operator'", new { now = DateTimeOffset.UtcNow });
        var answers = await Task.WhenAll(sts.PostAsync(StsHarness.Mint(("approval_id", id))), sts.PostAsync(StsHarness.Mint(("approval_id", id))));
        Assert.Equal(2, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records"));
        Assert.Single(answers.Where(answer => answer.Status == 200).Select(answer => answer.Claims.Sid).Distinct());
    }

    [Fact]
    public async Task Check_20_a_decision_policy_mints_but_neither_widens_nor_calls_out()
    {
        await using var sts = await StsHarness.StartAsync();
        const string policy =
            """
            package caracal.authz

            import rego.v1

            result := {"decision": "allow", "evaluation_status": "complete", "determining_policies": [{"policy": "own"}], "diagnostics": []}
            """;
        await sts.ActivateAsync(policy);
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Mint(("scope", "nucleus:read")))).Status);
        await sts.ActivateAsync(policy + "\nx := http.send({\"method\": \"get\", \"url\": \"https://evil.example.com\"})\n");
        var rejected = await sts.PostAsync(StsHarness.Mint());
        Assert.Equal((403, "policy denied (invalid_policy_document)"), (rejected.Status, rejected.Description));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Check_21_a_new_version_shows_on_every_replica(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        await using var other = await sts.ReplicaAsync();
        var version = await sts.ActivateAsync(StsHarness.Documents("confinement := []"));
        foreach (var client in new[] { sts.Client, other.Client })
        {
            using var request = sts.Signed(HttpMethod.Get, "/internal/policy/status/zone-1", []);
            using var answer = await client.SendAsync(request);
            Assert.Equal(version, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("policy_set_version_id").GetString());
        }
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Check_22_a_revoked_record_takes_its_descendants_with_it(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var gateway = await sts.MintAsync();
        var later = await sts.MintAsync();
        var resource = (await sts.ExchangeAsync(gateway)).Claims;
        var id = await sts.Streams.AppendAsync(
            Topics.SessionsRevoke, [new("zone_id", "zone-1"), new("session_id", MandateToken.TryParse(gateway)!.Claims.Sid!)], null, CancellationToken.None);
        await sts.Streams.SettledAsync(Topics.SessionsRevoke, id, CancellationToken.None);
        Assert.Equal("revoked", await sts.ScalarAsync<string>("SELECT status FROM authority_records WHERE id = @Sid", resource));
        Assert.Equal(200, (await sts.ExchangeAsync(later)).Status);
    }

    [Fact]
    public async Task Check_23_federation()
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await FederationTests.StartAsync(idp);
        var claims = (await FederationTests.PresentAsync(sts, idp.Token(sub: "Ann 1"))).Claims;
        Assert.Equal(("Ann 1", "user", null), (claims.Subject, claims.SubjectType, claims.Scope));
        Assert.Equal(401, (await FederationTests.PresentAsync(sts, idp.Token(alg: "HS256"))).Status);
        Assert.Equal(401, (await FederationTests.PresentAsync(sts, idp.Token(sub: "caracal:x"))).Status);
        Assert.Equal(400, (await FederationTests.PresentAsync(sts, idp.Token(), ("resource", "resource://nucleus"))).Status);
    }

    [Fact]
    public async Task Check_24_no_event_is_lost_while_the_ledger_is_away_over_a_restart()
    {
        await using var sts = await StsHarness.StartAsync();
        sts.Audit.Away = true;
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(200, (await sts.PostAsync(StsHarness.Bootstrap(), $"req-{i}")).Status);
        }

        Assert.Empty(sts.Audit.All);
        sts.Audit.Away = false;
        await sts.RestartAsync();
        var ids = (await sts.EventsAsync()).Select(e => e.GetProperty("request_id").GetString());
        Assert.Equal(Enumerable.Range(0, 5).Select(i => $"req-{i}"), ids.Order(StringComparer.Ordinal));
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);
}
