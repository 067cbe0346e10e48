using System.Text;
using System.Text.Json;

namespace Caracal.Sts.Tests.Policies;

/// <summary>sts.md 10.1, 10.5, 10.6: which policy decides, and what happens when it cannot.</summary>
public sealed class PolicyBundleTests
{
    private const string Custom =
        """
        package caracal.authz

        import rego.v1

        default result := {"decision": "deny", "evaluation_status": "complete"}

        result := {"decision": "allow", "evaluation_status": "complete", "determining_policies": [{"policy": "mine"}]} if {
            input.principal.id == "app-o"
        }
        """;

    [Fact]
    [Trait("requirement", "R34")]
    public async Task A_new_version_decides_the_very_next_exchange()
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Bootstrap())).Status);
        var version = await sts.ActivateAsync(StsHarness.Documents("restrict := {\"incident\": true}"));
        var answer = await sts.PostAsync(StsHarness.Bootstrap());
        Assert.Equal((403, "policy denied (restriction_active)"), (answer.Status, answer.Description));
        var status = await StatusAsync(sts);
        Assert.Equal(("True", version), (status.Text("loaded"), status.Text("policy_set_version_id")));
        Assert.Equal(version, (await sts.EventsAsync())[^1].GetProperty("policy_set_version_id").GetString());
    }

    [Fact]
    public async Task The_same_policies_under_a_new_version_show_the_new_version()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync(StsHarness.Documents());
        var second = await sts.ActivateAsync(StsHarness.Documents());
        Assert.Equal(second, (await StatusAsync(sts)).Text("policy_set_version_id"));
    }

    [Fact]
    public async Task A_set_that_does_not_compile_leaves_the_one_before_in_charge()
    {
        await using var sts = await StsHarness.StartAsync();
        var before = (await StatusAsync(sts)).Text("policy_set_version_id");
        await sts.ActivateAsync(StsHarness.Documents(), "# caracal:data-document\npackage caracal.authz\n\nimport rego.v1\n\ngrants := {\"resource://x\": {}}\n");
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Bootstrap())).Status);
        Assert.Equal(before, (await StatusAsync(sts)).Text("policy_set_version_id"));
        Assert.Contains("\"event\":\"policy_compile_failed\"", sts.Log, StringComparison.Ordinal); // the doctor sends operators to it
    }

    [Fact]
    public async Task A_manifest_that_does_not_match_is_503_where_nothing_was_loaded()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync(StsHarness.Documents());
        await sts.SqlAsync("DROP TRIGGER policy_set_versions_keep_update");
        await sts.SqlAsync("UPDATE policy_set_versions SET manifest_sha256 = 'x'");
        await sts.RestartAsync();
        var answer = await sts.PostAsync(StsHarness.Bootstrap());
        Assert.Equal((503, "policy_eval_failed"), (answer.Status, answer.Error));
        Assert.Equal(["policy_eval_failed"], await sts.DenialsAsync());
        Assert.Equal("False", (await StatusAsync(sts)).Text("loaded"));
    }

    [Fact]
    public async Task A_document_that_is_none_denies_everything()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync("package caracal.authz\n\ngrants := {}\n");
        var answer = await sts.PostAsync(StsHarness.Bootstrap());
        Assert.Equal((403, "policy denied (invalid_policy_document)"), (answer.Status, answer.Description));
    }

    [Fact]
    public async Task A_conflict_at_evaluation_is_503_and_recorded()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync(StsHarness.Documents("""risk := [{"scope": "nucleus:pay", "tier": "a"}, {"scope": "nucleus:pay", "tier": "b"}]"""));
        Assert.Equal(503, (await sts.PostAsync(StsHarness.Mint())).Status);
        var failed = (await sts.EventsAsync())[^1];
        Assert.Equal("policy_eval_failed", failed.GetProperty("evaluation_status").GetString());
        Assert.True(failed.GetProperty("diagnostics_json")[0].TryGetProperty("error", out _));
    }

    [Fact]
    public async Task A_denial_says_which_rules_held_and_where_the_others_failed()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync(Custom);
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Bootstrap())).Status);
        var denied = (await sts.EventsAsync()).First(e => e.GetProperty("evaluation_status").GetString() == "complete");
        var diagnostics = denied.GetProperty("diagnostics_json");
        var explain = diagnostics[diagnostics.GetArrayLength() - 1].GetProperty("explain");
        var rule = explain.GetProperty("rules").EnumerateArray().First(r => r.GetProperty("rule").GetString() == "data.caracal.authz.result");
        Assert.True(rule.GetProperty("line").GetInt32() > 0);
        Assert.False(string.IsNullOrEmpty(rule.GetProperty("file").GetString()));
        Assert.Contains(
            explain.GetProperty("rules").EnumerateArray(),
            r => !r.GetProperty("held").GetBoolean() && r.GetProperty("failed_line").GetInt32() >= r.GetProperty("line").GetInt32());
    }

    [Fact]
    public async Task An_allowed_request_keeps_the_diagnostics_of_its_policy()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync(StsHarness.Documents());
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
        var allowed = (await sts.EventsAsync()).Last(e => e.GetProperty("decision").GetString() == "allow");
        Assert.Equal(0, allowed.GetProperty("diagnostics_json").GetArrayLength());
    }

    [Fact]
    public async Task A_decision_policy_decides_under_the_native_floors()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync(Custom);
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Bootstrap())).Status);
        var allowed = await sts.PostAsync(StsHarness.Bootstrap(("application_id", "app-o"), ("scope", "nucleus:read")));
        Assert.Equal(200, allowed.Status);
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Bootstrap(("application_id", "app-o"), ("scope", "nucleus:destroy")))).Status);
        await sts.ActivateAsync(Custom, "# caracal:data-document\npackage caracal.authz\n\nimport rego.v1\n\nrestrict := {\"x\": 1}\n");
        var frozen = await sts.PostAsync(StsHarness.Bootstrap(("application_id", "app-o"), ("scope", "nucleus:read")));
        Assert.Equal((403, "policy denied (restriction_active)"), (frozen.Status, frozen.Description));
    }

    [Fact]
    public async Task A_decision_policy_cannot_widen_a_delegation()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync("package caracal.authz\n\nimport rego.v1\n\nresult := {\"decision\": \"allow\", \"evaluation_status\": \"complete\"}\n");
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Mint(("scope", "nucleus:read")))).Status);
        var answer = await sts.ExchangeAsync(await sts.MintAsync(), path: "/other");
        Assert.Equal("operation_not_permitted", answer.Error);
    }

    // gateway.md A3, step 15: the mandate's target is part of what was granted, and perhaps approved, at its mint.
    [Fact]
    public async Task A_decision_policy_cannot_point_a_mandate_at_another_resource()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync("package caracal.authz\n\nimport rego.v1\n\nresult := {\"decision\": \"allow\", \"evaluation_status\": \"complete\"}\n");
        Assert.Equal(200, (await sts.ExchangeAsync(await sts.MintAsync())).Status);
        var answer = await sts.ExchangeAsync(await sts.MintAsync(), resource: "resource://keyed");
        Assert.Equal((403, "policy denied (mandate_target_mismatch)"), (answer.Status, answer.Description));
        Assert.Equal("deny", (await sts.EventsAsync())[^2].GetProperty("decision").GetString());
    }

    [Theory]
    [Trait("requirement", "R94")]
    [InlineData("""{"decision": "maybe", "evaluation_status": "complete"}""", 503)]
    [InlineData("""{"decision": "allow"}""", 503)]
    [InlineData("""{"decision": "allow", "evaluation_status": "complete", "diagnostics": "x"}""", 503)]
    [InlineData("""{"decision": "allow", "evaluation_status": "complete", "determining_policies": ["x"]}""", 503)]
    [InlineData("\"allow\"", 503)]
    [InlineData("""{"decision": "allow", "evaluation_status": "partial"}""", 403)]
    [InlineData("""{"decision": "allow", "evaluation_status": "complete", "diagnostics": [{"step_up_required": {"type": "robot", "tiers": []}}]}""", 503)]
    public async Task A_result_of_another_shape_never_mints(string result, int status)
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync($"package caracal.authz\n\nimport rego.v1\n\nresult := {result}\n");
        var answer = await sts.PostAsync(StsHarness.Bootstrap());
        Assert.Equal((status, "policy_eval_failed"), (answer.Status, answer.Error));
    }

    [Fact]
    public async Task An_undefined_result_is_a_deny()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync("package caracal.authz\n\nimport rego.v1\n\nresult := {\"decision\": \"allow\", \"evaluation_status\": \"complete\"} if input.nothing\n");
        Assert.Equal((403, "access_denied"), Of(await sts.PostAsync(StsHarness.Bootstrap())));
    }

    [Fact]
    public async Task Custom_policies_can_be_switched_off()
    {
        await using var sts = await StsHarness.StartAsync(("POLICY_CUSTOM_REGO", "false"));
        await sts.ActivateAsync(Custom);
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Bootstrap(("application_id", "app-o"), ("scope", "nucleus:read")))).Status);
    }

    [Fact]
    public async Task The_status_of_a_zone_without_a_set_says_so()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.SqlAsync("UPDATE policy_set_bindings SET active_version_id = NULL");
        var status = await StatusAsync(sts);
        Assert.Equal(("True", "no_active_policy_set", null), (status.Text("loaded"), status.Text("manifest_sha256"), status.Text("policy_set_version_id")));
        Assert.Equal(401, (await sts.GetAsync("/internal/policy/status/zone-1")).Status);
    }

    [Fact]
    public async Task A_simulation_decides_without_leaving_a_trace()
    {
        await using var sts = await StsHarness.StartAsync();
        var input = """{"principal":{"type":"Application","id":"app-p","zone_id":"z"},"resource":{"identifier":"resource://nucleus"},"action":{"id":"TokenExchange"},"context":{"requested_scopes":["agent:lifecycle"]}}""";
        var answer = await SimulateAsync(sts, [StsHarness.Documents()], input);
        Assert.Equal((200, "ps-1", "psv-1", "abc"), (answer.Status, answer.Text("policy_set_id"), answer.Text("version_id"), answer.Text("manifest_sha256")));
        Assert.Equal("allow", answer.Body.GetProperty("result").GetProperty("decision").GetString());
        Assert.Empty(await sts.EventsAsync());
    }

    [Theory]
    [InlineData("package other\n\nresult := 1\n", "{}")]
    [InlineData("package caracal.authz\n\nimport rego.v1\n\nresult := http.send({})\n", "{}")]
    [InlineData("package caracal.authz\n\nimport rego.v1\n\nresult := x\n", "{}")]
    [InlineData("package caracal.authz\n\nimport rego.v1\n\nresult := 1\n", "{}")]
    [InlineData("package caracal.authz\n\nimport rego.v1\n\nresult := {\"decision\": \"allow\", \"evaluation_status\": \"complete\"}\n", """{"schema_version":"1999-01-01"}""")]
    public async Task A_simulation_that_cannot_decide_says_why(string policy, string input)
    {
        await using var sts = await StsHarness.StartAsync();
        var answer = await SimulateAsync(sts, [policy], input);
        Assert.Equal((422, "policy_eval_failed"), Of(answer));
        Assert.False(string.IsNullOrEmpty(answer.Description));
        Assert.Equal(answer.Description, answer.Text("detail"));
    }

    [Fact]
    public async Task A_simulation_refuses_what_is_unsigned_or_malformed()
    {
        await using var sts = await StsHarness.StartAsync();
        var unsigned = new HttpRequestMessage(HttpMethod.Post, "/internal/policy/simulate") { Content = new StringContent("{}") };
        Assert.Equal(401, (await sts.SendAsync(unsigned)).Status);
        Assert.Equal(400, (await SimulateAsync(sts, [], "{}")).Status);
        Assert.Equal(400, (await sts.SendAsync(sts.Signed(HttpMethod.Post, "/internal/policy/simulate", "{"u8.ToArray()))).Status);
    }

    private static Task<Answer> StatusAsync(StsHarness sts) =>
        sts.SendAsync(sts.Signed(HttpMethod.Get, "/internal/policy/status/zone-1", []));

    private static Task<Answer> SimulateAsync(StsHarness sts, string[] policies, string input)
    {
        var list = string.Join(',', policies.Select((content, i) => $$"""{"id":"p{{i}}","content":{{JsonSerializer.Serialize(content)}}}"""));
        var body = $$"""{"policy_set_id":"ps-1","version_id":"psv-1","manifest_sha256":"abc","policies":[{{list}}],"input":{{input}}}""";
        return sts.SendAsync(sts.Signed(HttpMethod.Post, "/internal/policy/simulate", Encoding.UTF8.GetBytes(body)));
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);
}
