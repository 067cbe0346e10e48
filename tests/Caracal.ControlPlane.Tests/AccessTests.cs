namespace Caracal.ControlPlane.Tests;

public sealed class AccessTests
{
    [Fact]
    public async Task Kills_everything_a_subject_holds_and_says_so_on_every_stream()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        await Authority.SeedAsync(api, zone, await api.ApplicationAsync(zone), "user-1");
        Assert.Equal("invalid_subject_revoke", (await api.PostAsync($"/v1/zones/{zone}/subjects/revoke", "{}")).Error);
        Assert.Equal("subject_not_found", (await api.PostAsync($"/v1/zones/{zone}/subjects/revoke", """{"subject_id":"nobody"}""")).Error);
        var killed = await api.PostAsync($"/v1/zones/{zone}/subjects/revoke", """{"subject_id":"user-1","reason":"gone\nrogue"}""");
        Assert.Equal("""{"subject_id":"user-1","authority_records":2,"sessions":2,"delegations":1,"connections":0}""", killed.Text);
        var revocations = await api.AnnouncedAsync("caracal.sessions.revoke");
        Assert.Equal(
            [
                $$"""{"zone_id":"{{zone}}","session_id":"rec-1","reason":"gone rogue"}""",
                $$"""{"zone_id":"{{zone}}","session_id":"rec-2","reason":"gone rogue"}""",
                $$"""{"zone_id":"{{zone}}","session_id":"rec-1","agent_session_id":"ses-1","reason":"gone rogue"}""",
                $$"""{"zone_id":"{{zone}}","agent_session_id":"ses-2","reason":"gone rogue"}""",
                $$"""{"zone_id":"{{zone}}","delegation_edge_id":"edge-1","reason":"gone rogue"}""",
            ],
            revocations.Select(message => message.GetRawText()));
        Assert.Equal(
            [
                $$"""{"event":"terminate","zone_id":"{{zone}}","agent_session_id":"ses-1","reason":"gone rogue"}""",
                $$"""{"event":"terminate","zone_id":"{{zone}}","agent_session_id":"ses-2","parent_id":"ses-1","reason":"gone rogue"}""",
            ],
            (await api.AnnouncedAsync("caracal.agents.lifecycle")).Select(message => message.GetRawText()));
        Assert.Equal(
            $$"""{"event":"edge_revoke","zone_id":"{{zone}}","edge_id":"edge-1","reason":"gone rogue","epoch":"1"}""",
            Assert.Single(await api.AnnouncedAsync("caracal.delegations.invalidate")).GetRawText());
        var again = await api.PostAsync($"/v1/zones/{zone}/subjects/revoke", """{"subject_id":"user-1"}""");
        Assert.Equal("""{"subject_id":"user-1","authority_records":0,"sessions":0,"delegations":0,"connections":0}""", again.Text);
    }

    [Fact]
    public async Task Revokes_the_authority_of_a_user_with_the_grant()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var application = await api.ApplicationAsync(zone);
        var resource = (await api.PostAsync(
            $"/v1/zones/{zone}/resources",
            $$"""{"name":"r","upstream_url":"https://u","scopes":["a:b"],"credential_provider_id":"{{await api.ProviderAsync(zone)}}"}""")).Get("id");
        await Authority.SeedAsync(api, zone, application, "user-1");
        string Body(string scope, string app) => $$"""{"application_id":"{{app}}","user_id":"user-1","resource_id":"{{resource}}","scopes":["{{scope}}"]}""";
        Assert.Equal("invalid_body", (await api.PostAsync($"/v1/zones/{zone}/grants", Body("UPPER", application))).Error);
        Assert.Equal("application_not_found", (await api.PostAsync($"/v1/zones/{zone}/grants", Body("a:b", "x"))).Error);
        Assert.Equal("grant_scopes_exceed_resource", (await api.PostAsync($"/v1/zones/{zone}/grants", Body("a:c", application))).Error);
        var grant = await api.PostAsync($"/v1/zones/{zone}/grants", Body("a:b", application));
        Assert.Equal(201, grant.Status);
        var listed = (await api.GetAsync($"/v1/zones/{zone}/grants?subject_id=user-1&scopes=a:b&status=active")).Json.GetProperty("items");
        Assert.Equal("none", listed[0].GetProperty("provider_kind").GetString());
        Assert.Empty((await api.GetAsync($"/v1/zones/{zone}/grants?scopes=a:b,a:c")).Json.GetProperty("items").EnumerateArray());
        var path = $"/v1/zones/{zone}/grants/{grant.Get("id")}";
        Assert.Equal(204, (await api.DeleteAsync(path)).Status);
        Assert.Equal(204, (await api.DeleteAsync(path)).Status);
        Assert.Equal("revoked", (await api.GetAsync(path)).Get("status"));
        var events = await api.AnnouncedAsync("caracal.sessions.revoke");
        Assert.Equal($$"""{"zone_id":"{{zone}}","session_id":"rec-1","reason":"grant_revoked","grant_id":"{{grant.Get("id")}}"}""", events[0].GetRawText());
    }

    [Fact]
    public async Task Lists_records_and_sessions_as_json_and_csv()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var application = await api.ApplicationAsync(zone);
        await Authority.SeedAsync(api, zone, application, "user-1");
        var records = (await api.GetAsync($"/v1/zones/{zone}/authority-records?kind=user")).Json.GetProperty("items");
        Assert.Equal("rec-1", records[0].GetProperty("authority_record_id").GetString());
        var sessions = (await api.GetAsync($"/v1/zones/{zone}/sessions?label=reader&subject_id=user-1")).Json.GetProperty("items");
        Assert.Equal("user-1", sessions[0].GetProperty("federated_user_id").GetString());
        Assert.Equal(60, sessions[0].GetProperty("ttl_seconds").GetInt32());
        var csv = await api.GetAsync($"/v1/zones/{zone}/sessions?format=csv");
        Assert.Equal("text/csv; charset=utf-8", csv.Header("content-type"));
        Assert.Equal($"attachment; filename=\"sessions-{zone}.csv\"", csv.Header("content-disposition"));
        Assert.Equal(3, csv.Text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal("invalid_query", (await api.GetAsync($"/v1/zones/{zone}/sessions?format=xml")).Error);
    }

    [Fact]
    public async Task Manages_the_issuers_of_federated_users()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var path = $"/v1/zones/{zone}/subject-issuers";
        foreach (var url in (string[])["http://id.example", "https://a@id.example", "https://id.example?x=1", "https://id.example#x", "id"])
        {
            Assert.Equal("invalid_subject_issuer", (await api.PostAsync(path, $$"""{"issuer":"{{url}}","jwks_url":"https://id.example/jwks","audience":"a"}""")).Error);
        }

        const string body = """{"issuer":"https://id.example","jwks_url":"https://id.example/jwks","audience":"a"}""";
        var created = await api.PostAsync(path, body);
        Assert.Equal(201, created.Status);
        Assert.Equal("subject_issuer_exists", (await api.PostAsync(path, body)).Error);
        Assert.Equal("b", (await api.PatchAsync($"{path}/{created.Get("id")}", """{"audience":"b"}""")).Get("audience"));
        Assert.Equal(204, (await api.DeleteAsync($"{path}/{created.Get("id")}")).Status);
        Assert.Equal("subject_issuer_not_found", (await api.GetAsync($"{path}/{created.Get("id")}")).Error);
    }

    [Fact]
    public async Task Decides_a_hold_once_and_only_when_operators_may()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        await api.ExecuteAsync($$"""
            INSERT INTO step_up_challenges (id, zone_id, metadata_json, created_at, expires_at, principal_id, resource_set_hash, tier, approver_class, privacy_mode)
            VALUES ('hold-1', '{{zone}}', '{"agent_labels":["x"]}', 1, 9000000000000000, 'app-1', x'aa', 'high', 'operator', 'identified'),
                   ('hold-2', '{{zone}}', '{}', 2, 9000000000000000, 'app-1', x'bb', 'high', 'subject', 'identified'),
                   ('hold-3', '{{zone}}', '{}', 3, 4, 'app-1', x'cc', 'low', 'any', 'identified')
            """);
        Assert.Equal("subject_approval_required", (await api.PostAsync($"/v1/zones/{zone}/approvals/hold-2/approve")).Error);
        Assert.Equal("""{"error":"approval_not_decidable","state":"expired"}""", (await api.PostAsync($"/v1/zones/{zone}/approvals/hold-3/reject")).Text);
        var approved = await api.PostAsync($"/v1/zones/{zone}/approvals/hold-1/approve", """{"reason":"fine"}""");
        Assert.Equal("approved", approved.Get("state"));
        Assert.StartsWith("admin:", approved.Get("approver_subject_id"), StringComparison.Ordinal);
        Assert.Equal("""{"error":"approval_not_decidable","state":"approved"}""", (await api.PostAsync($"/v1/zones/{zone}/approvals/hold-1/reject")).Text);
        var data = Assert.Single(await api.AnnouncedAsync("caracal.audit.events")).GetProperty("data").GetString();
        Assert.Contains("\"event_type\":\"step_up_decided\"", data, StringComparison.Ordinal);
        Assert.Contains("\"agent_labels\":[\"x\"]", data, StringComparison.Ordinal);
        Assert.Equal("""{"pending":1,"approved":1,"rejected":0,"expired":1,"consumed":0}""", (await api.GetAsync($"/v1/zones/{zone}/approvals/counts")).Text);
        Assert.Equal("hold-1", (await api.GetAsync($"/v1/zones/{zone}/approvals?state=approved")).Json.GetProperty("items")[0].GetProperty("id").GetString());
    }
}
