namespace Caracal.ControlPlane.Tests;

public sealed class ZonesTests
{
    [Theory]
    [InlineData("{}", "invalid_zone")]
    [InlineData("""{"name":"  "}""", "invalid_zone")]
    [InlineData("""{"name":"a","extra":1}""", "invalid_zone")]
    [InlineData("""{"name":"a","slug":"A"}""", "invalid_zone")]
    [InlineData("""{"name":"a","display_name":"b"}""", "invalid_zone")]
    [InlineData("""[]""", "invalid_zone")]
    public async Task Refuses_zones_that_break_the_rules(string body, string code)
    {
        await using var api = await ApiHost.StartAsync();
        var reply = await api.PostAsync("/v1/zones", body);
        Assert.Equal(400, reply.Status);
        Assert.Equal(code, reply.Error);
    }

    [Fact]
    public async Task Creates_reads_changes_and_archives_a_zone()
    {
        await using var api = await ApiHost.StartAsync();
        var created = await api.PostAsync("/v1/zones", """{"name":" Pied Piper ","slug":"pp"}""");
        Assert.Equal(201, created.Status);
        var id = created.Get("id");
        Assert.Equal("Pied Piper", created.Get("display_name"));
        Assert.Equal("zone_slug_conflict", (await api.PostAsync("/v1/zones", """{"name":"x","slug":"pp"}""")).Error);
        Assert.Equal("no_fields", (await api.PatchAsync($"/v1/zones/{id}", "{}")).Error);
        Assert.Equal("dcr_shutdown_not_applicable", (await api.PatchAsync($"/v1/zones/{id}", """{"dcr_shutdown":"keep_live"}""")).Error);
        var patched = await api.PatchAsync($"/v1/zones/{id}", """{"display_name":"Hooli","operator_governed":true}""");
        Assert.Equal("Hooli", patched.Get("name"));
        Assert.True(patched.Json.GetProperty("operator_governed").GetBoolean());
        var other = await api.PostAsync("/v1/zones", """{"name":"other"}""");
        Assert.Equal("zone_slug_conflict", (await api.PatchAsync($"/v1/zones/{other.Get("id")}", """{"slug":"pp"}""")).Error);
        Assert.Equal(204, (await api.DeleteAsync($"/v1/zones/{id}")).Status);
        Assert.Equal("zone_not_found", (await api.GetAsync($"/v1/zones/{id}")).Error);
        Assert.Equal(404, (await api.DeleteAsync($"/v1/zones/{id}")).Status);
        Assert.Equal("zone_slug_conflict", (await api.PostAsync("/v1/zones", """{"name":"x","slug":"pp"}""")).Error);
    }

    [Fact]
    public async Task Numbers_default_slugs()
    {
        await using var api = await ApiHost.StartAsync();
        Assert.Equal("a-b", (await api.PostAsync("/v1/zones", """{"name":"A & B!"}""")).Get("slug"));
        Assert.Equal("a-b-2", (await api.PostAsync("/v1/zones", """{"name":"a b"}""")).Get("slug"));
        Assert.Equal("zone", (await api.PostAsync("/v1/zones", """{"name":"ż"}""")).Get("slug"));
    }

    [Fact]
    public async Task Asks_what_becomes_of_live_registrations_before_switching_them_off()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        Assert.Equal("dcr_disabled", (await api.PostAsync($"/v1/zones/{zone}/applications/dcr", """{"name":"d"}""")).Error);
        await api.PatchAsync($"/v1/zones/{zone}", """{"dcr_enabled":true}""");
        Assert.Equal(400, (await api.PostAsync($"/v1/zones/{zone}/applications/dcr", """{"name":"d","expires_in":3601}""")).Status);
        var dcr = await api.PostAsync($"/v1/zones/{zone}/applications/dcr", """{"name":"d"}""");
        Assert.Equal(201, dcr.Status);
        await api.ExecuteAsync($"""
            INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
            VALUES ('rec-1', '{zone}', 'application', '{dcr.Get("id")}', 'active', 9000000000000000, 0, 0)
            """);
        var refused = await api.PatchAsync($"/v1/zones/{zone}", """{"dcr_enabled":false}""");
        Assert.Equal(409, refused.Status);
        Assert.Equal("dcr_shutdown_required", refused.Error);
        Assert.Equal(1, refused.Json.GetProperty("details").GetProperty("live_dcr_applications").GetInt32());
        Assert.Equal(200, (await api.PatchAsync($"/v1/zones/{zone}", """{"dcr_enabled":false,"dcr_shutdown":"revoke_live"}""")).Status);
        Assert.Equal(0, (await api.GetAsync($"/v1/zones/{zone}/dcr-status")).Json.GetProperty("live_dcr_applications").GetInt32());
        var revoked = Assert.Single(await api.AnnouncedAsync("caracal.sessions.revoke"));
        Assert.Equal("rec-1", revoked.GetProperty("session_id").GetString());
        Assert.Equal("dcr_shutdown", revoked.GetProperty("reason").GetString());
        var audit = (await api.GetAsync($"/v1/zones/{zone}/admin-audit")).Text;
        Assert.Contains("DCR shutdown revoke_live", audit, StringComparison.Ordinal);
    }
}
