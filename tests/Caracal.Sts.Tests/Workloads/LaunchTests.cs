using System.Text.Json;
using Caracal.Keys.Secrets;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Sts.Tests.Providers;
using Caracal.Sts.Tests.Servers;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.Workloads;

/// <summary>sts.md 9.4 and 9.5: what <c>caracal run</c> asks for.</summary>
public sealed class LaunchTests
{
    private const string Id = "wl-1";
    private const string Secret = "ws_0123456789abcdefghijABCDEFGHIJ_secret";

    private const string Bindings =
        """
        [{"env":"KEY","resource":"resource://keyed","scopes":["keyed:use"]},
         {"env":"MANDATE","resource":"resource://nucleus","scopes":["nucleus:pay","nucleus:read"],"optional":true,"on_failure":"warn"},
         {"env":"OPEN","resource":"resource://open"},{"env":"GONE","resource":"resource://gone"},
         {"env":"CONTROL","resource":"caracal-control","scopes":["control:read"]},{"env":"WIDE","resource":"resource://keyed","scopes":["other:scope"]}]
        """;

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task The_manifest_lists_what_is_bound_and_gives_none_of_it(Engine engine)
    {
        await using var sts = await StartAsync(engine);
        var launch = Guid.NewGuid().ToString();
        var answer = await PostAsync(sts, "manifest", [], launch);
        Assert.Equal((200, "zone-1", Id), (answer.Status, answer.Text("zone_id"), answer.Text("workload_id")));
        Assert.Equal("no-store", answer.Response.Headers.CacheControl!.ToString());
        Assert.Equal("""{"env":"KEY","resource":"resource://keyed","scopes":["keyed:use"]}""", answer.Body.GetProperty("bindings")[0].GetRawText());
        Assert.Equal(
            """{"env":"MANDATE","resource":"resource://nucleus","scopes":["nucleus:pay","nucleus:read"],"optional":true,"on_failure":"warn"}""",
            answer.Body.GetProperty("bindings")[1].GetRawText());
        Assert.Equal("""{"env":"OPEN","resource":"resource://open"}""", answer.Body.GetProperty("bindings")[2].GetRawText());
        var recorded = Assert.Single(await sts.EventsAsync());
        Assert.Equal(("run_launch", "allow"), (recorded.GetProperty("event_type").GetString(), recorded.GetProperty("decision").GetString()));
        Assert.Equal(
            $$"""{"workload_id":"wl-1","workload_name":"worker","launch_id":"{{launch}}","binding_count":6}""",
            recorded.GetProperty("metadata_json").GetRawText());
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_stored_key_is_given_to_the_workload_it_is_bound_to(Engine engine)
    {
        await using var sts = await StartAsync(engine);
        var answer = await CredentialAsync(sts, "KEY");
        Assert.Equal((200, """{"env":"KEY","credential":"sk-test"}"""), (answer.Status, answer.Body.GetRawText()));
        var decided = Assert.Single(await sts.EventsAsync());
        Assert.Equal("""[{"policy":"caracal-workload-mint"}]""", decided.GetProperty("determining_policies_json").GetRawText());
        Assert.Equal(
            """{"workload_id":"wl-1","workload_name":"worker","env":"KEY","resource":"resource://keyed","requested_scopes":["keyed:use"]}""",
            decided.GetProperty("metadata_json").GetRawText());
        Assert.DoesNotContain("sk-test", decided.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records"));
    }

    [Theory]
    [Trait("requirement", "R15")]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_provider_without_a_credential_of_its_own_gives_a_mandate_for_the_resource(Engine engine)
    {
        await using var sts = await StartAsync(engine);
        var answer = await CredentialAsync(sts, "MANDATE");
        var claims = MandateToken.TryParse(answer.Text("credential")!)!.Claims;
        Assert.Equal(
            (MandateUse.Resource, Id, Id, "application", "nucleus:pay nucleus:read"),
            (claims.Use, claims.Subject, claims.ClientId, claims.SubjectType, claims.Scope));
        Assert.Equal(["resource://nucleus"], claims.Audience);
        Assert.Equal(["resource://nucleus"], claims.Target);
        Assert.Equal((claims.Sid, 900L), (claims.RootSid, claims.ExpiresAt - claims.IssuedAt));
        Assert.Equal(claims.ExpiresAt, answer.Body.GetProperty("expires_at").GetInt64());
        Assert.Equal(Id, await sts.ScalarAsync<string>("SELECT subject_id FROM authority_records WHERE id = @Sid AND session_type = 'application' AND parent_id IS NULL", claims));
    }

    [Fact]
    public async Task A_token_is_fetched_and_its_end_told()
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StartAsync(Engine.Sqlite, idp);
        await OAuthProvider.ConfigureAsync(sts, "oauth2_client_credentials", null, ("client_secret", OAuthServer.ClientSecret));
        var answer = await CredentialAsync(sts, "OPEN");
        Assert.Equal("at-1", answer.Text("credential"));
        Assert.InRange(answer.Body.GetProperty("expires_at").GetInt64() - sts.Clock.Now.ToUnixTimeSeconds(), 290, 300);
        idp.Authentication = "post";
        await OAuthProvider.ConfigureAsync(sts, "oauth2_client_credentials", new { audience = "b" }, ("client_secret", OAuthServer.ClientSecret));
        Assert.Equal((502, "http_request_failed"), Of(await CredentialAsync(sts, "OPEN")));
        Assert.Contains("provider_credential_unavailable", await sts.DenialsAsync());
    }

    [Fact]
    [Trait("requirement", "R15")]
    public async Task Unknown_bindings_and_resources_are_404_and_providers_that_must_not_be_injected_403()
    {
        await using var sts = await StartAsync();
        Assert.Equal((404, "resource_not_found"), Of(await CredentialAsync(sts, "NOTHING")));
        Assert.Equal((404, "resource_not_found"), Of(await CredentialAsync(sts, "key")));
        Assert.Equal((404, "resource_not_found"), Of(await CredentialAsync(sts, "GONE")));
        Assert.Equal((403, "access_denied"), Of(await CredentialAsync(sts, "CONTROL")));
        Assert.Equal((403, "access_denied"), Of(await CredentialAsync(sts, "WIDE")));
        foreach (var kind in new[] { "http_basic", "oauth2_authorization_code" })
        {
            await OAuthProvider.ConfigureAsync(sts, kind, new { username = "u" }, ("password", "p"));
            Assert.Equal((403, "access_denied"), Of(await CredentialAsync(sts, "OPEN")));
        }

        foreach (var allow in new object?[] { false, null, "true" })
        {
            await OAuthProvider.ConfigureAsync(sts, "bearer_token", new { allow_runtime_injection = allow }, ("bearer_token", "t"));
            Assert.Equal((403, "access_denied"), Of(await CredentialAsync(sts, "OPEN")));
        }

        await OAuthProvider.ConfigureAsync(sts, "bearer_token", null, ("bearer_token", "t"));
        Assert.Equal("t", (await CredentialAsync(sts, "OPEN")).Text("credential"));
        await sts.SqlAsync("UPDATE providers SET archived_at = @now WHERE id = 'prov-oauth'", new { now = DateTimeOffset.UtcNow });
        Assert.Equal((403, "access_denied"), Of(await CredentialAsync(sts, "OPEN")));
        Assert.Equal(7, (await sts.DenialsAsync()).Count(status => status == "credential_injection_denied"));
    }

    [Fact]
    public async Task A_form_with_a_fault_is_refused_before_anybody_is_believed()
    {
        await using var sts = await StartAsync();
        foreach (var path in new[] { "manifest", "credential" })
        {
            Assert.Equal((400, "invalid_token"), Of(await PostAsync(sts, path, [new("secret", "")])));
            Assert.Equal((400, "invalid_token"), Of(await PostAsync(sts, path, [new("workload_id", " ")])));
            var json = new HttpRequestMessage(HttpMethod.Post, $"/v1/run/{path}") { Content = new StringContent("{}", System.Text.Encoding.UTF8, "application/json") };
            Assert.Equal(415, (await sts.SendAsync(json)).Status);
            Assert.Equal(400, (await sts.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/v1/run/{path}?x=1") { Content = new FormUrlEncodedContent([]) })).Status);
            Assert.Equal(405, (await sts.GetAsync($"/v1/run/{path}")).Status);
            var huge = await PostAsync(sts, path, [new("padding", new string('x', 70_000))]);
            Assert.Equal((413, "payload_too_large"), Of(huge));
        }

        Assert.Equal((400, "invalid_token"), Of(await PostAsync(sts, "credential", [])));
        Assert.Empty(await sts.EventsAsync());
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Wrong_secrets_are_counted_and_the_right_one_passes_the_block(Engine engine)
    {
        await using var sts = await StartAsync(engine);
        Assert.Equal((401, "access_denied"), Of(await PostAsync(sts, "manifest", [new("workload_id", "wl-unknown")])));
        Assert.Empty(await sts.EventsAsync());
        for (var i = 0; i < 60; i++)
        {
            var answer = await PostAsync(sts, "manifest", [new("secret", "wrong")]);
            Assert.Equal((401, "invalid workload credentials"), (answer.Status, answer.Description));
        }

        Assert.Equal((429, "provider_rate_limited"), Of(await PostAsync(sts, "credential", [new("secret", "wrong"), new("env", "KEY")])));
        Assert.Equal(200, (await PostAsync(sts, "manifest", [])).Status);
        Assert.Contains("workload_auth_failed", await sts.DenialsAsync());
        await sts.SqlAsync(
            "INSERT INTO credential_secrets (id, zone_id, owner, hash, state, expires_at, created_at) VALUES ('old', 'zone-1', 'workload:wl-1', @hash, 'previous', @end, @now)",
            new { hash = SecretHash.Of("the previous one"), now = DateTimeOffset.UtcNow, end = DateTimeOffset.UtcNow.AddMinutes(1) });
        Assert.Equal(200, (await PostAsync(sts, "manifest", [new("secret", "the previous one")])).Status);
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM credential_secrets WHERE last_used_at IS NOT NULL"));
        await sts.SqlAsync("UPDATE zones SET archived_at = @now WHERE id = 'zone-1'", new { now = DateTimeOffset.UtcNow });
        Assert.Equal((403, "access_denied"), Of(await PostAsync(sts, "manifest", [])));
    }

    [Fact]
    public async Task No_bindings_is_404_and_limits_and_lost_dependencies_answer_for_themselves()
    {
        await using var sts = await StartAsync(Engine.Sqlite, null, ("STS_MINT_RATE_LIMIT_PER_MIN", "2"));
        Assert.Equal(200, (await CredentialAsync(sts, "KEY")).Status);
        Assert.Equal(200, (await CredentialAsync(sts, "KEY")).Status);
        Assert.Equal((429, "provider_rate_limited"), Of(await CredentialAsync(sts, "KEY")));
        await sts.SqlAsync("UPDATE workloads SET bindings = '[]'");
        Assert.Equal((404, "resource_not_found"), Of(await PostAsync(sts, "manifest", [])));
        sts.State.Broken = true;
        Assert.Equal((503, "sts_unavailable"), Of(await PostAsync(sts, "manifest", [])));
        Assert.Equal((503, "sts_unavailable"), Of(await CredentialAsync(sts, "KEY")));
    }

    [Theory]
    [InlineData(Engine.Sqlite, "KEY", "keyed:use")]
    [InlineData(Engine.Postgres, "MANDATE", "nucleus:pay")]
    [InlineData(Engine.Sqlite, "MANDATE", "nucleus:pay")]
    [InlineData(Engine.Postgres, "KEY", "keyed:use")]
    public async Task A_gated_credential_is_held_approved_and_spent_once(Engine engine, string env, string scope)
    {
        await using var sts = await StartAsync(engine);
        await GateAsync(sts, scope, "operator");
        var held = await CredentialAsync(sts, env);
        Assert.Equal((401, "interaction_required", "human_approval"), (held.Status, held.Error, held.Text("approval_type")));
        var id = held.Text("approval_id")!;
        Assert.Equal(id, (await CredentialAsync(sts, env)).Text("approval_id"));
        Assert.Equal(id, (await CredentialAsync(sts, env, id)).Text("approval_id"));
        await sts.SqlAsync("UPDATE step_up_challenges SET satisfied_at = @now, approver_subject_id = 'operator' WHERE id = @id", new { id, now = DateTimeOffset.UtcNow });
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => CredentialAsync(sts, env, id)));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal((409, "approval_consumed"), Of(answer)));
        Assert.Equal((409, "approval_consumed"), Of(await CredentialAsync(sts, env, id)));
        Assert.Equal(env == "MANDATE" ? 2 : 1, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records"));
        Assert.Single(await sts.EventsAsync(), e => e.GetProperty("event_type").GetString() == "step_up_consumed");
    }

    [Fact]
    public async Task An_approval_fits_only_its_own_workload_and_binding()
    {
        await using var sts = await StartAsync();
        await GateAsync(sts, "keyed:use", "any");
        var id = (await CredentialAsync(sts, "KEY")).Text("approval_id")!;
        await sts.SqlAsync("UPDATE step_up_challenges SET satisfied_at = @now, approver_subject_id = 'operator'", new { now = DateTimeOffset.UtcNow });
        foreach (var (env, presented) in new[] { ("MANDATE", id), ("KEY", Guid.NewGuid().ToString()), ("KEY", "nonsense") })
        {
            var answer = await CredentialAsync(sts, env, presented);
            Assert.Equal((401, "approval not found or bindings do not match"), (answer.Status, answer.Description));
        }

        Assert.Equal(401, (await sts.PostAsync(StsHarness.Mint(("approval_id", id)))).Status);
        await sts.ActivateAsync(StsHarness.Documents("risk := []"));
        Assert.Equal(401, (await CredentialAsync(sts, "KEY", id)).Status);
        Assert.Equal(401, (await CredentialAsync(sts, "KEY", id)).Status);
        Assert.Equal((429, "provider_rate_limited"), Of(await CredentialAsync(sts, "KEY", id)));
        Assert.Equal(200, (await CredentialAsync(sts, "KEY")).Status);
    }

    [Fact]
    public async Task Nobody_is_the_subject_of_a_workload_and_a_denied_one_holds_nothing()
    {
        await using var sts = await StartAsync();
        await GateAsync(sts, "keyed:use", "subject");
        Assert.Equal((403, "access_denied"), Of(await CredentialAsync(sts, "KEY")));
        Assert.Contains("approval_class_conflict", await sts.DenialsAsync());
        await sts.ActivateAsync(StsHarness.Documents("restrict := [\"frozen\"]"));
        var denied = await CredentialAsync(sts, "KEY");
        Assert.Equal((403, "policy denied (restriction_active)"), (denied.Status, denied.Description));
        Assert.Equal(0, await sts.ScalarAsync<long>("SELECT count(*) FROM step_up_challenges"));
    }

    private static Task GateAsync(StsHarness sts, string scope, string approver) => sts.ActivateAsync(StsHarness.Documents(
        $$"""
        risk := [{"scope": "{{scope}}", "tier": "high"}]
        approval_tiers := [{"tier": "high", "approver": "{{approver}}", "ttl_seconds": 600}]
        """));

    private static Task<Answer> CredentialAsync(StsHarness sts, string env, string? approval = null) =>
        PostAsync(sts, "credential", approval is null ? [new("env", env)] : [new("env", env), new("approval_id", approval)]);

    private static Task<Answer> PostAsync(StsHarness sts, string path, List<KeyValuePair<string, string>> fields, string? launch = null)
    {
        foreach (var (name, value) in new[] { ("workload_id", Id), ("secret", Secret) })
        {
            if (!fields.Exists(field => field.Key == name))
            {
                fields.Add(new(name, value));
            }
        }

        var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/run/{path}") { Content = new FormUrlEncodedContent(fields) };
        if (launch is not null)
        {
            request.Headers.Add("X-Caracal-Launch-Id", launch);
        }

        return sts.SendAsync(request);
    }

    private static async Task<StsHarness> StartAsync(
        Engine engine = Engine.Sqlite, OAuthServer? idp = null, params (string Name, string Value)[] variables)
    {
        var sts = await StsHarness.StartAsync(engine, idp?.Handler, variables);
        await sts.SqlAsync(
            "INSERT INTO workloads (id, zone_id, name, secret_hash, bindings, created_at) VALUES (@Id, 'zone-1', 'worker', @hash, @bindings, @now)",
            new { Id, hash = SecretHash.Of(Secret), bindings = new JsonText(JsonSerializer.Serialize(JsonDocument.Parse(Bindings))), now = DateTimeOffset.UtcNow });
        foreach (var (id, config) in new[]
        {
            ("prov-mandate", """{"allow_runtime_injection":true}"""), ("prov-none", """{"allow_runtime_injection":true}"""),
            ("prov-key", """{"auth_location":"header","header_name":"X-Api-Key","allow_runtime_injection":true}"""),
        })
        {
            await sts.SqlAsync("UPDATE providers SET config_json = @config WHERE id = @id", new { id, config = new JsonText(config) });
        }

        return sts;
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);
}
