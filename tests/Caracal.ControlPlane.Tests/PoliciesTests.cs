using System.Text.Json;
using Caracal.Authority.Policies;
using Caracal.Protocol.PolicyRuntime;

namespace Caracal.ControlPlane.Tests;

public sealed class PoliciesTests
{
    private const string Head = "# caracal:data-document\npackage caracal.authz\nimport rego.v1\n";

    [Fact]
    public async Task Offers_templates_that_pass_the_validator()
    {
        await using var api = await ApiHost.StartAsync();
        var templates = (await api.GetAsync("/v1/policy-templates")).Json.EnumerateArray().ToList();
        Assert.Equal(["application-bindings", "resource-grants", "label-confinement", "zone-restriction"], templates.Select(template => template.GetProperty("id").GetString()));
        Assert.Contains("grants := {", templates[1].GetProperty("content").GetString(), StringComparison.Ordinal);
        foreach (var template in templates)
        {
            var reply = await api.PostAsync("/v1/policies/validate", JsonSerializer.Serialize(new { content = template.GetProperty("content").GetString() }));
            Assert.True(reply.Status == 200, $"{template.GetProperty("id")}: {reply.Text}");
        }
    }

    [Fact]
    [Trait("requirement", "R94")]
    public async Task Describes_a_valid_policy_and_names_the_first_fault_of_another()
    {
        await using var api = await ApiHost.StartAsync();
        var valid = await ValidateAsync(api, Head + "grants := {}\napp_ids := {\"p\": input.principal.id}\n");
        Assert.Equal(200, valid.Status);
        var preview = valid.Json.GetProperty("preview");
        Assert.Equal("""["app_ids","grants"]""", preview.GetProperty("rules").GetRawText());
        Assert.Equal("""["input.principal.id"]""", preview.GetProperty("inputs_referenced").GetRawText());
        Assert.False(preview.TryGetProperty("custom", out _));
        var invalid = await ValidateAsync(api, Head + "helper := 1\n");
        Assert.Equal(422, invalid.Status);
        Assert.Equal("""{"valid":false,"error":"invalid_rego","error_description":"data_document_rule_not_allowed:helper"}""", invalid.Text);
    }

    [Fact]
    public async Task Accepts_a_decision_policy_unless_switched_off()
    {
        const string custom = "package caracal.authz\nimport rego.v1\ndefault result := {\"decision\": \"deny\"}\nresult := {\"decision\": \"allow\"} if grants[input.resource.identifier]\n";
        await using var on = await ApiHost.StartAsync();
        var reply = await ValidateAsync(on, custom);
        Assert.True(reply.Status == 200, reply.Text);
        Assert.True(reply.Json.GetProperty("preview").GetProperty("custom").GetBoolean());
        Assert.True(reply.Json.GetProperty("preview").GetProperty("default_result").GetBoolean());
        await using var off = await ApiHost.StartAsync(new Dictionary<string, string?> { ["POLICY_CUSTOM_REGO"] = "false" });
        Assert.Equal("must_be_data_document", (await ValidateAsync(off, custom)).Get("error_description"));
    }

    [Fact]
    public async Task Versions_policies_and_keeps_them_after_archiving()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        Assert.Equal("invalid_body", (await api.PostAsync($"/v1/zones/{zone}/policies", """{"name":"x"}""")).Error);
        Assert.Equal("invalid_rego", (await api.PostAsync($"/v1/zones/{zone}/policies", """{"name":"x","content":"x"}""")).Error);
        var created = await CreateAsync(api, zone, "read", Head + "grants := {}\n");
        Assert.Equal(1, created.GetProperty("version").GetProperty("version").GetInt32());
        var id = created.GetProperty("id").GetString();
        Assert.Equal("policy_name_conflict", (await api.PostAsync($"/v1/zones/{zone}/policies", JsonSerializer.Serialize(new { name = "read", content = Head + "grants := {}\n" }))).Error);
        var second = await api.PostAsync($"/v1/zones/{zone}/policies/{id}/versions", JsonSerializer.Serialize(new { content = Head + "restrict := {}\n" }));
        Assert.Equal(2, second.Json.GetProperty("version").GetInt32());
        var read = (await api.GetAsync($"/v1/zones/{zone}/policies/{id}")).Json.GetProperty("versions");
        Assert.Equal([2, 1], read.EnumerateArray().Select(version => version.GetProperty("version").GetInt32()));
        Assert.Equal(204, (await api.DeleteAsync($"/v1/zones/{zone}/policies/{id}")).Status);
        Assert.Equal("policy_not_found", (await api.GetAsync($"/v1/zones/{zone}/policies/{id}")).Error);
        Assert.Equal(2, (await api.RowsAsync("SELECT id FROM policy_versions")).Count);
    }

    [Fact]
    [Trait("requirement", "R95")]
    public async Task Walks_from_a_policy_to_its_activation()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var version = (await CreateAsync(api, zone, "read", Head + "grants := {}\n")).GetProperty("version_id").GetString();
        var set = (await api.PostAsync($"/v1/zones/{zone}/policy-sets", """{"name":"main"}""")).Json;
        Assert.False(set.TryGetProperty("active_version_id", out _));
        var path = $"/v1/zones/{zone}/policy-sets/{set.GetProperty("id").GetString()}";
        Assert.Equal("policy_set_name_conflict", (await api.PostAsync($"/v1/zones/{zone}/policy-sets", """{"name":"main"}""")).Error);
        Assert.Equal("active_policy_set_version_not_found", (await api.GetAsync($"{path}/activation-status")).Error);
        var added = await api.PostAsync($"{path}/versions", $$"""{"manifest":[{"policy_version_id":"{{version}}"}]}""");
        Assert.Equal(201, added.Status);
        Assert.Equal(PolicyManifest.Sha256($$"""[{"policy_version_id":"{{version}}"}]"""), added.Get("manifest_sha256"));
        Assert.Equal("{}", api.Runtime.Simulations[^1].InputJson);
        Assert.Equal("version_not_found", (await api.PostAsync($"{path}/activate", """{"version_id":"nope"}""")).Error);
        var activated = await api.PostAsync($"{path}/activate", $$"""{"version_id":"{{added.Get("version_id")}}"}""");
        Assert.Equal(202, activated.Status);
        Assert.Equal($"{path}/activation-status?version_id={added.Get("version_id")}&outbox_id={activated.Get("outbox_id")}", activated.Get("status_url"));
        var message = Assert.Single(await api.AnnouncedAsync("caracal.policy.invalidate"));
        Assert.Equal(added.Get("version_id"), message.GetProperty("policy_set_version_id").GetString());

        Assert.Equal("waiting_for_outbox", (await api.GetAsync(activated.Get("status_url"))).Get("propagation_status"));
        await api.ExecuteAsync("UPDATE event_outbox SET dispatched_at = 1");
        Assert.Equal("waiting_for_sts", (await api.GetAsync(activated.Get("status_url"))).Get("propagation_status"));
        api.Runtime.Status = new(StatusVerdict.Known, new PolicyStatus(true, added.Get("version_id"), added.Get("manifest_sha256"), null, 1), null);
        Assert.Equal("loaded", (await api.GetAsync($"{path}/activation-status")).Get("propagation_status"));
        await api.ExecuteAsync("UPDATE event_outbox SET dispatched_at = NULL, available_at = 9223372036854775807");
        var dead = await api.GetAsync(activated.Get("status_url"));
        Assert.Equal("failed", dead.Get("propagation_status"));
        Assert.Equal("dead", dead.Json.GetProperty("outbox").GetProperty("state").GetString());

        var other = (await api.PostAsync($"/v1/zones/{zone}/policy-sets", """{"name":"other"}""")).Get("id");
        var otherVersion = (await api.PostAsync($"/v1/zones/{zone}/policy-sets/{other}/versions", $$"""{"manifest":[{"policy_version_id":"{{version}}"}]}""")).Get("version_id");
        Assert.Equal(202, (await api.PostAsync($"/v1/zones/{zone}/policy-sets/{other}/activate", $$"""{"version_id":"{{otherVersion}}"}""")).Status);
        Assert.Null((await api.GetAsync(path)).Json.GetProperty("active_version_id").GetString());
        Assert.Equal("waiting_for_activation", (await api.GetAsync(activated.Get("status_url"))).Get("propagation_status"));
        Assert.Equal(204, (await api.DeleteAsync($"/v1/zones/{zone}/policy-sets/{other}")).Status);
        Assert.False((await api.AnnouncedAsync("caracal.policy.invalidate"))[^1].TryGetProperty("policy_set_version_id", out _));
    }

    [Fact]
    public async Task Refuses_bundles_the_runtime_rejects_and_versions_it_cannot_prove()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var version = (await CreateAsync(api, zone, "read", Head + "grants := {}\n")).GetProperty("version_id").GetString();
        var path = $"/v1/zones/{zone}/policy-sets/{(await api.PostAsync($"/v1/zones/{zone}/policy-sets", """{"name":"main"}""")).Get("id")}";
        var manifest = $$"""{"manifest":[{"policy_version_id":"{{version}}"}]}""";
        var good = await api.PostAsync($"{path}/versions", manifest);
        api.Runtime.Simulation = new(SimulationVerdict.Rejected, null, "two documents define grants");
        var rejected = await api.PostAsync($"{path}/versions", manifest);
        Assert.Equal(422, rejected.Status);
        Assert.Equal("invalid_policy_bundle", rejected.Error);
        Assert.Equal("two documents define grants", rejected.Get("error_description"));
        Assert.Equal("invalid_policy_bundle", (await api.PostAsync($"{path}/activate", $$"""{"version_id":"{{good.Get("version_id")}}"}""")).Error);
        api.Runtime.Simulation = new(SimulationVerdict.Unreachable, null, "no answer");
        var unproven = await api.PostAsync($"{path}/versions", manifest);
        Assert.Equal(503, unproven.Status);
        Assert.Equal("policy_verification_unavailable", unproven.Error);
        Assert.Equal(202, (await api.PostAsync($"{path}/activate", $$"""{"version_id":"{{good.Get("version_id")}}"}""")).Status);
        Assert.Equal("invalid_policy_contract", (await api.PostAsync($"{path}/versions", $$"""{"manifest":[{"policy_version_id":"{{version}}"},{"policy_version_id":"{{version}}"}]}""")).Error);
        Assert.Equal("invalid_policy_contract", (await api.PostAsync($"{path}/versions", """{"manifest":[{"policy_version_id":"x"}]}""")).Error);
        var shape = await api.PostAsync($"{path}/versions", """{"manifest":["x"]}""");
        Assert.Equal("invalid_body", shape.Error);
        Assert.Equal("""["manifest","0"]""", shape.Json.GetProperty("details").GetProperty("issues")[0].GetProperty("path").GetRawText());
    }

    [Fact]
    public async Task Simulates_without_changing_anything()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var version = (await CreateAsync(api, zone, "read", Head + "grants := {}\n")).GetProperty("version_id").GetString();
        var path = $"/v1/zones/{zone}/policy-sets/{(await api.PostAsync($"/v1/zones/{zone}/policy-sets", """{"name":"main"}""")).Get("id")}";
        var added = (await api.PostAsync($"{path}/versions", $$"""{"manifest":[{"policy_version_id":"{{version}}"}]}""")).Get("version_id");
        var idle = await api.PostAsync($"{path}/simulate", $$"""{"version_id":"{{added}}"}""");
        Assert.Equal("not_executed", idle.Json.GetProperty("explanation").GetProperty("evaluation").GetString());
        Assert.Equal(JsonValueKind.Null, idle.Json.GetProperty("result").ValueKind);
        var run = await api.PostAsync($"{path}/simulate", $$"""{"version_id":"{{added}}","input":{"principal":{"zone_id":"else"},"schema_version":"1"} }""");
        Assert.Equal("executed", run.Json.GetProperty("explanation").GetProperty("evaluation").GetString());
        Assert.Equal("deny", run.Json.GetProperty("explanation").GetProperty("decision").GetString());
        Assert.Equal(
            """["input_schema_mismatch:1","principal_zone_mismatch","missing_resource","missing_action","missing_context"]""",
            run.Json.GetProperty("warnings").GetRawText());
        Assert.False(run.Json.GetProperty("would_activate").GetBoolean());
        Assert.Empty(await api.AnnouncedAsync("caracal.policy.invalidate"));
    }

    [Fact]
    public void Hashes_the_manifests_of_the_specification()
    {
        Assert.Equal("a0e1a4882d7f4d2812190ca52b568d00a0ed69fb03889ff3f65dfd5fdb68679b", PolicyManifest.Sha256(PolicyManifest.ToJson(["pv1"])));
        Assert.Equal("e7388625e7afa28ca7927662b2decb5077ef39c5ff1ab43f1847845232968087", PolicyManifest.Sha256(PolicyManifest.ToJson(["pv-1", "pv-2"])));
    }

    private static Task<Reply> ValidateAsync(ApiHost api, string content) =>
        api.PostAsync("/v1/policies/validate", JsonSerializer.Serialize(new { content }));

    private static async Task<JsonElement> CreateAsync(ApiHost api, string zone, string name, string content)
    {
        var reply = await api.PostAsync($"/v1/zones/{zone}/policies", JsonSerializer.Serialize(new { name, content }));
        Assert.True(reply.Status == 201, reply.Text);
        return reply.Json;
    }
}
