namespace Caracal.ControlPlane.Tests;

public sealed class ProvidersTests
{
    [Theory]
    [InlineData("""{"kind":"none"}""", "invalid_provider")]
    [InlineData("""{"name":"a","kind":"carrier_pigeon"}""", "invalid_provider")]
    [InlineData("""{"identifier":"provider://A","kind":"none"}""", "invalid_provider_identifier")]
    [InlineData("""{"name":"a","kind":"none","config_json":{"x":1}}""", "invalid_provider_config")]
    [InlineData("""{"name":"a","kind":"none","check":true}""", "provider_check_unsupported")]
    [InlineData("""{"name":"a","kind":"api_key","config_json":{"header_name":"Host","api_key":"k"}}""", "invalid_provider_config")]
    [InlineData("""{"name":"a","kind":"api_key","config_json":{"header_name":"X-Key","auth_scheme":"Bearer","api_key":"Bearer k"}}""", "invalid_provider_config")]
    [InlineData("""{"name":"a","kind":"bearer_token","config_json":{"bearer_token":"Bearer x"}}""", "invalid_provider_config")]
    public async Task Refuses_providers_that_break_the_rules(string body, string code)
    {
        await using var api = await ApiHost.StartAsync();
        var reply = await api.PostAsync($"/v1/zones/{await api.ZoneAsync()}/providers", body);
        Assert.Equal(400, reply.Status);
        Assert.Equal(code, reply.Error);
    }

    [Fact]
    [Trait("requirement", "R2")]
    public async Task Names_sealed_secrets_and_never_shows_them()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var created = await api.PostAsync(
            $"/v1/zones/{zone}/providers",
            """{"name":"Piper Net","kind":"api_key","config_json":{"header_name":"X-Key","api_key":"sup3rs3cr3t","allowed_token_hosts":["API.example"]}}""");
        Assert.Equal(201, created.Status);
        Assert.Equal("provider://piper-net", created.Get("identifier"));
        Assert.DoesNotContain("sup3rs3cr3t", created.Text, StringComparison.Ordinal);
        Assert.Equal("""["api_key"]""", created.Json.GetProperty("secret_config_keys").GetRawText());
        Assert.Equal(
            """{"allowed_token_hosts":["api.example"],"auth_location":"header","header_name":"X-Key"}""",
            created.Json.GetProperty("config_json").GetRawText());
        var envelope = (await api.RowsAsync("SELECT hex(envelope) AS e, ref FROM secret_store WHERE ref LIKE '%secretConfig'"))[0];
        Assert.StartsWith("43535331", envelope["e"], StringComparison.Ordinal);
        Assert.Equal($"zones/{zone}/providers/{created.Get("id")}/secretConfig", envelope["ref"]);
        Assert.Equal("provider://piper-net-2", (await api.PostAsync($"/v1/zones/{zone}/providers", """{"name":"piper net","kind":"none"}""")).Get("identifier"));
        Assert.Equal("provider_identifier_conflict", (await api.PostAsync($"/v1/zones/{zone}/providers", """{"identifier":"provider://piper-net","kind":"none"}""")).Error);
    }

    [Fact]
    public async Task Merges_secrets_on_a_new_config_and_asks_for_all_on_a_new_kind()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var path = $"/v1/zones/{zone}/providers/" + (await api.PostAsync(
            $"/v1/zones/{zone}/providers",
            """{"name":"o","kind":"oauth2_client_credentials","config_json":{"token_endpoint":"https://id.example/token","client_id":"c","client_secret":"s3"}}""")).Get("id");
        var row = (await api.GetAsync(path)).Json;
        Assert.NotNull(row.GetProperty("connectivity_failed_at").GetString());
        Assert.Equal("""["id.example"]""", row.GetProperty("config_json").GetProperty("allowed_token_hosts").GetRawText());
        Assert.Equal(200, (await api.PatchAsync(path, """{"config_json":{"token_endpoint":"https://id.example/t2","client_id":"c"}}""")).Status);
        Assert.Equal("""["client_secret"]""", (await api.GetAsync(path)).Json.GetProperty("secret_config_keys").GetRawText());
        Assert.Equal("provider_config_required", (await api.PatchAsync(path, """{"kind":"http_basic"}""")).Error);
        Assert.Equal("invalid_provider_config", (await api.PatchAsync(path, """{"kind":"http_basic","config_json":{"username":"u"}}""")).Error);
        Assert.Equal(200, (await api.PatchAsync(path, """{"kind":"none","config_json":{}}""")).Status);
        Assert.Equal("[]", (await api.GetAsync(path)).Json.GetProperty("secret_config_keys").GetRawText());
        Assert.Empty(await api.RowsAsync("SELECT ref FROM secret_store WHERE ref LIKE '%secretConfig'"));
        Assert.Equal("no_fields", (await api.PatchAsync(path, "{}")).Error);
        Assert.Equal(204, (await api.DeleteAsync(path)).Status);
        Assert.Equal("provider_not_found", (await api.GetAsync(path)).Error);
    }
}
