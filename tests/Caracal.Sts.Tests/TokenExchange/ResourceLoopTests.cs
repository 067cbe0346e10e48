using System.Text.Json;
using Caracal.Sts.Tests.Providers;
using Caracal.Sts.Tests.Servers;

namespace Caracal.Sts.Tests.TokenExchange;

/// <summary>sts.md 2.2, a test for each step of the loop: what is skipped leaves its name and the next resource is tried.</summary>
public sealed class ResourceLoopTests
{
    private const string Allow =
        """
        package caracal.authz

        import rego.v1

        result := {"decision": "allow", "evaluation_status": "complete", "determining_policies": [{"policy": "all"}], "diagnostics": []}
        """;

    [Fact]
    public Task Step_01_a_resource_that_does_not_exist_or_was_archived_is_skipped() => SkipsAsync(
        "resource_not_found", "UPDATE resources SET archived_at = 1 WHERE id = 'res-2'", StsHarness.Bootstrap());

    [Fact]
    public Task Step_02_a_scope_that_is_not_mintable_is_skipped() => SkipsAsync(
        "scope_mismatch", "UPDATE resources SET scopes = '[\"keyed:other\"]' WHERE id = 'res-2'", StsHarness.Mint(("scope", "keyed:use")), alone: true);

    [Fact]
    public Task Step_02_the_lifecycle_scope_needs_an_upstream() => SkipsAsync(
        "scope_mismatch", "UPDATE resources SET upstream_url = NULL WHERE id = 'res-2'", StsHarness.Bootstrap());

    [Theory]
    [InlineData("UPDATE delegation_edges SET resource_id = 'res-1'")]
    [InlineData("UPDATE delegation_edges SET constraints_json = '{\"resources\":[\"resource://nucleus\"]}'")]
    public async Task Step_03_a_resource_outside_the_delegation_is_skipped(string change)
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.SqlAsync(change);
        var answer = await sts.PostAsync(StsHarness.Mint(("resource", "resource://keyed"), ("scope", "keyed:use")));
        Assert.Equal((403, "policy denied"), (answer.Status, answer.Description));
        Assert.Equal(["resource_outside_delegation", "exchange_denied"], await sts.DenialsAsync());
    }

    [Fact]
    public async Task Step_04_the_operation_floor_ends_the_request_whatever_policy_says()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync(Allow);
        var gateway = await sts.MintAsync();
        Assert.Equal((403, "operation_not_permitted"), Of(await sts.ExchangeAsync(gateway, "GET", "/nothing")));
        Assert.Equal((403, "operation_not_permitted"), Of(await sts.ExchangeAsync(gateway, "POST", "/read")));
        await sts.SqlAsync("UPDATE resources SET operation_enforcement = 'transport_uniform' WHERE id = 'res-1'");
        Assert.Equal(200, (await sts.ExchangeAsync(gateway, "GET", "/nothing")).Status);
        Assert.Equal(["operation_not_permitted", "operation_not_permitted"], await sts.DenialsAsync());
    }

    [Fact]
    public async Task Step_05_over_the_mint_limit_is_skipped_and_answered_429_when_nothing_is_left()
    {
        await using var sts = await StsHarness.StartAsync(("STS_MINT_RATE_LIMIT_PER_MIN", "1"));
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Bootstrap())).Status);
        List<KeyValuePair<string, string>> both = [.. StsHarness.Bootstrap(), new("resource", "resource://keyed")];
        Assert.Equal("""["resource://keyed"]""", (await sts.PostAsync(both)).Text("target_resources"));
        var limited = await sts.PostAsync(both);
        Assert.Equal((429, "provider_rate_limited"), Of(limited));
        Assert.NotNull(limited.Response.Headers.RetryAfter);
        Assert.Equal(["rate_limited", "rate_limited", "rate_limited", "exchange_denied"], await sts.DenialsAsync());
    }

    [Fact]
    public async Task Step_06_a_control_key_is_granted_without_policy()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.SqlAsync(
            "UPDATE applications SET traits = @traits WHERE id = 'app-p'", new { traits = new[] { "control:invoke", "control:scope:control:read" } });
        await sts.ActivateAsync("package caracal.authz\n\nimport rego.v1\n\nresult := 1 / 0\n");
        var answer = await sts.PostAsync(StsHarness.Bootstrap(("resource", "caracal-control"), ("scope", "control:read"), ("zone_id", null)));
        Assert.Equal((200, "resource", 900L), (answer.Status, answer.Claims.Use, answer.Claims.ExpiresAt - answer.Claims.IssuedAt));
        var granted = Assert.Single(await sts.EventsAsync());
        Assert.Equal("""[{"policy":"control-key"}]""", granted.GetProperty("determining_policies_json").GetRawText());
    }

    [Fact]
    public async Task Step_07_the_control_resource_without_a_control_key_ends_the_request()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync(Allow);
        List<KeyValuePair<string, string>> form = [.. StsHarness.Bootstrap(("resource", "caracal-control"), ("scope", "control:read")), new("resource", "resource://nucleus")];
        Assert.Equal((403, "access_denied"), Of(await sts.PostAsync(form)));
        Assert.Equal(["control_resource_requires_control_key"], await sts.DenialsAsync());
    }

    [Fact]
    public async Task Step_08_a_connection_that_is_missing_or_over_is_skipped_and_remembered()
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StsHarness.StartAsync(TestKit.Engine.Sqlite, idp.Handler);
        await OAuthProvider.ConfigureAsync(sts, "oauth2_authorization_code", null, ("client_secret", OAuthServer.ClientSecret));
        var missing = await OAuthProvider.CallAsync(sts);
        Assert.Equal((403, "access_denied", "upstream credential is not provisioned"), (missing.Status, missing.Error, missing.Description));
        await OAuthProvider.ConnectAsync(sts, "app-p", "at", null, DateTimeOffset.UtcNow.AddSeconds(-1));
        Assert.Equal((403, "credential_expired_not_renewable"), Of(await OAuthProvider.CallAsync(sts)));
        Assert.Equal(
            ["credential_not_provisioned", "exchange_denied", "credential_refresh_failed", "exchange_denied"], await sts.DenialsAsync());
        await sts.SqlAsync("UPDATE providers SET archived_at = 1 WHERE id = 'prov-oauth'");
        Assert.Equal((403, "access_denied"), Of(await OAuthProvider.CallAsync(sts)));
        Assert.Contains("provider_unavailable", await sts.DenialsAsync());
    }

    [Theory]
    [InlineData("result := {\"decision\": \"maybe\", \"evaluation_status\": \"complete\"}", 503, "policy_eval_failed")]
    [InlineData("result := {\"decision\": \"allow\", \"evaluation_status\": \"partial\", \"determining_policies\": [], \"diagnostics\": []}", 403, "complete_is_required")]
    public async Task Step_09_an_engine_error_or_an_incomplete_result_ends_the_request(string rule, int status, string recorded)
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync($"package caracal.authz\n\nimport rego.v1\n\n{rule}\n");
        var answer = await sts.PostAsync(StsHarness.Bootstrap());
        Assert.Equal((status, "policy_eval_failed"), Of(answer));
        var denial = Assert.Single(await sts.DenialsAsync());
        Assert.Equal(recorded == "complete_is_required" ? "partial" : recorded, denial);
        if (status == 503)
        {
            Assert.True((await sts.EventsAsync())[^1].GetProperty("diagnostics_json")[0].TryGetProperty("error", out _));
        }
    }

    [Fact]
    public async Task Step_10_every_decision_is_recorded_and_the_first_reason_answers()
    {
        await using var sts = await StsHarness.StartAsync();
        List<KeyValuePair<string, string>> form = [.. StsHarness.Mint(("resource", "resource://keyed"), ("scope", "keyed:use")), new("resource", "resource://nucleus")];
        Assert.Equal("""["resource://keyed"]""", (await sts.PostAsync(form)).Text("target_resources"));
        await sts.SqlAsync("UPDATE sessions SET labels = '[\"other\"]'");
        var denied = await sts.PostAsync(StsHarness.Mint());
        Assert.Equal((403, "policy denied (role_scope_mismatch)"), (denied.Status, denied.Description));
        var decisions = (await sts.EventsAsync()).Where(e => Text(e, "evaluation_status") == "complete").Select(e => Text(e, "decision"));
        Assert.Equal(["allow", "deny"], decisions);
        var metadata = (await sts.EventsAsync())[0].GetProperty("metadata_json");
        Assert.Equal(
            [
                "application_id", "application_name", "application_registration_method", "resource", "requested_scopes", "agent_session_id",
                "delegation_edge_id", "subject_kind", "agent_lifecycle", "agent_labels", "agent_depth", "delegation_chain", "delegation_hop_count",
                "delegation_graph_epoch", "policy_input_sha256",
            ],
            metadata.EnumerateObject().Select(member => member.Name));
    }

    private static async Task SkipsAsync(string status, string change, List<KeyValuePair<string, string>> form, bool alone = false)
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.SqlAsync(change);
        if (alone)
        {
            form.RemoveAll(field => field.Key == "resource");
        }

        form.Add(new("resource", "resource://keyed"));
        var answer = await sts.PostAsync(form);
        Assert.Equal(alone ? null : """["resource://nucleus"]""", answer.Text("target_resources"));
        Assert.Equal(status, (await sts.DenialsAsync())[0]);
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
