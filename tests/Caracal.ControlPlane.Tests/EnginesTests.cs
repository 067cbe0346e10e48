using System.Text.Json;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

public sealed class EnginesTests
{
    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Answers_alike_on_either_engine(Engine engine)
    {
        await using var api = await ApiHost.StartAsync(engine: engine);
        var zone = await api.ZoneAsync();
        Assert.Equal("zone_slug_conflict", (await api.PostAsync("/v1/zones", """{"name":"x","slug":"pied-piper"}""")).Error);
        var application = await api.ApplicationAsync(zone);
        Assert.Equal("application_name_taken", (await api.PostAsync($"/v1/zones/{zone}/applications", """{"name":"APP","registration_method":"managed"}""")).Error);
        Assert.Equal(200, (await api.GetAsync($"/v1/zones/{zone}/applications/{application}/client-secret")).Status);
        Assert.Equal(200, (await api.PostAsync($"/v1/zones/{zone}/applications/{application}/rotate-secret", """{"overlap_seconds":60}""")).Status);
        Assert.Equal(201, (await api.PostAsync($"/v1/zones/{zone}/workloads", """{"name":"w"}""")).Status);
        Assert.Equal("workload_name_taken", (await api.PostAsync($"/v1/zones/{zone}/workloads", """{"name":"W"}""")).Error);
        var resource = await api.PostAsync(
            $"/v1/zones/{zone}/resources",
            $$"""{"name":"r","upstream_url":"https://u","scopes":["a:b"],"operations":[{"method":"get","path":"/x","scope":"a:b"}],"credential_provider_id":"{{await api.ProviderAsync(zone)}}"}""");
        Assert.Equal(201, resource.Status);
        var grant = await api.PostAsync(
            $"/v1/zones/{zone}/grants", $$"""{"application_id":"{{application}}","user_id":"u","resource_id":"{{resource.Get("id")}}","scopes":["a:b"]}""");
        Assert.Equal(1, (await api.GetAsync($"/v1/zones/{zone}/grants?scopes=a:b")).Json.GetProperty("items").GetArrayLength());
        Assert.Equal(204, (await api.DeleteAsync($"/v1/zones/{zone}/grants/{grant.Get("id")}")).Status);

        var policy = await api.PostAsync(
            $"/v1/zones/{zone}/policies",
            JsonSerializer.Serialize(new { name = "p", content = "# caracal:data-document\npackage caracal.authz\nimport rego.v1\ngrants := {}\n" }));
        var set = (await api.PostAsync($"/v1/zones/{zone}/policy-sets", """{"name":"s"}""")).Get("id");
        var version = await api.PostAsync($"/v1/zones/{zone}/policy-sets/{set}/versions", $$"""{"manifest":[{"policy_version_id":"{{policy.Get("version_id")}}"}]}""");
        Assert.Equal(201, version.Status);
        var activated = await api.PostAsync($"/v1/zones/{zone}/policy-sets/{set}/activate", $$"""{"version_id":"{{version.Get("version_id")}}"}""");
        Assert.Equal(202, activated.Status);
        Assert.Equal("waiting_for_outbox", (await api.GetAsync(activated.Get("status_url"))).Get("propagation_status"));
        Assert.Equal("waiting_for_outbox", (await api.GetAsync($"/v1/zones/{zone}/policy-sets/{set}/activation-status")).Get("propagation_status"));
        await api.ExecuteAsync($"UPDATE event_outbox SET available_at = {api.Database.Dialect.Infinity}");
        Assert.Equal("failed", (await api.GetAsync(activated.Get("status_url"))).Get("propagation_status"));
        Assert.Equal(503, (await api.GetAsync("/ready", token: null)).Status);
        Assert.Equal(204, (await api.DeleteAsync($"/v1/zones/{zone}/policy-sets/{set}")).Status);

        Assert.Equal(200, (await api.PostAsync($"/v1/zones/{zone}/keys/rotate")).Status);
        Assert.Equal(200, (await api.PostAsync($"/v1/zones/{zone}/keys/rotate", """{"compromised":true}""")).Status);
        foreach (var list in (string[])["authority-records", "sessions", "approvals", "approvals/counts", "audit?label=x&event_type=a,b", "subject-issuers", "keys"])
        {
            Assert.Equal(200, (await api.GetAsync($"/v1/zones/{zone}/{list}")).Status);
        }

        Assert.Equal(200, (await api.SendAsync("PUT", "/v1/audit-retention", """{"retention_days":30}""")).Status);
        Assert.Equal(30, (await api.GetAsync("/v1/audit-retention")).Json.GetProperty("retention_days").GetInt32());
        Assert.Equal("subject_not_found", (await api.PostAsync($"/v1/zones/{zone}/subjects/revoke", """{"subject_id":"nobody"}""")).Error);
        var first = (await api.GetAsync($"/v1/zones/{zone}/admin-audit?limit=5")).Json;
        var second = (await api.GetAsync($"/v1/zones/{zone}/admin-audit?limit=5&cursor={first.GetProperty("next_cursor").GetString()}")).Json;
        var sequence = first.GetProperty("items").EnumerateArray().Concat(second.GetProperty("items").EnumerateArray()).Select(row => row.GetProperty("chain_seq").GetInt64()).ToList();
        Assert.Equal(10, sequence.Distinct().Count());
        Assert.Equal(204, (await api.DeleteAsync($"/v1/zones/{zone}")).Status);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Ends_authority_alike_on_either_engine(Engine engine)
    {
        await using var api = await ApiHost.StartAsync(engine: engine);
        var zone = await api.ZoneAsync();
        var application = await api.ApplicationAsync(zone);
        await Authority.SeedAsync(api, zone, application, "user-1");
        var sessions = (await api.GetAsync($"/v1/zones/{zone}/sessions?label=reader")).Json.GetProperty("items");
        Assert.Equal("ses-1", sessions[0].GetProperty("session_id").GetString());
        var killed = await api.PostAsync($"/v1/zones/{zone}/subjects/revoke", """{"subject_id":"user-1"}""");
        Assert.Equal("""{"subject_id":"user-1","authority_records":2,"sessions":2,"delegations":1,"connections":0}""", killed.Text);
        Assert.Equal(204, (await api.DeleteAsync($"/v1/zones/{zone}/applications/{application}")).Status);
        Assert.Equal(2, (await api.GetAsync($"/v1/zones/{zone}/authority-records?status=revoked")).Json.GetProperty("items").GetArrayLength());
    }
}
