using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Tests;

public sealed class ProviderChecksTests
{
    private const string Client = """{"token_endpoint":"https://id.example/token","client_id":"c","client_secret":"s3cr3t"}""";
    private const string Consent =
        """{"authorization_endpoint":"https://id.example/auth","token_endpoint":"https://id.example/token","redirect_uri":"https://here.example/cb","client_id":"c","client_secret":"s3cr3t"}""";

    [Theory]
    [InlineData("oauth2_client_credentials", 200, """{"access_token":"t","token_type":"bearer"}""", "ok")]
    [InlineData("oauth2_client_credentials", 200, """{"error":"invalid_client"}""", "auth_failed")]
    [InlineData("oauth2_client_credentials", 200, "<html>", "endpoint_error")]
    [InlineData("oauth2_client_credentials", 401, "{}", "auth_failed")]
    [InlineData("oauth2_client_credentials", 400, """{"error":"unauthorized_client"}""", "auth_failed")]
    [InlineData("oauth2_client_credentials", 400, """{"error":"invalid_scope"}""", "config_error")]
    [InlineData("oauth2_client_credentials", 400, "error=invalid_target&x=y", "config_error")]
    [InlineData("oauth2_client_credentials", 302, "{}", "endpoint_error")]
    [InlineData("oauth2_client_credentials", 500, "{}", "endpoint_error")]
    [InlineData("oauth2_authorization_code", 400, """{"error":"invalid_grant"}""", "ok")]
    [InlineData("oauth2_authorization_code", 200, """{"error":"bad_verification_code"}""", "ok")]
    [InlineData("oauth2_authorization_code", 400, """{"error":"incorrect_client_credentials"}""", "auth_failed")]
    [InlineData("oauth2_authorization_code", 200, """{"access_token":"t"}""", "endpoint_error")]
    public async Task Judges_a_client_by_what_its_token_endpoint_says(string kind, int status, string body, string expected)
    {
        await using var idp = await AuthorizationServer.StartAsync();
        idp.Answer = context => AuthorizationServer.JsonAsync(context, status, body);
        await using var api = await ApiHost.StartAsync(http: idp.Client);
        var zone = await api.ZoneAsync();
        var config = kind == "oauth2_client_credentials" ? Client : Consent;
        var path = $"/v1/zones/{zone}/providers";
        var id = (await api.PostAsync(path, $$"""{"name":"o","kind":"{{kind}}","config_json":{{config}}}""")).Get("id");
        var result = await api.PostAsync($"{path}/{id}/test");
        Assert.Equal(200, result.Status);
        Assert.Equal(expected, result.Get("status"));
        Assert.DoesNotContain("s3cr3t", result.Text, StringComparison.Ordinal);
        Assert.Equal(expected == "ok", (await api.GetAsync($"{path}/{id}")).Json.GetProperty("connectivity_failed_at").GetString() is null);

        // Before a create the same check decides whether anything is stored.
        var created = await api.PostAsync(path, $$"""{"name":"checked","kind":"{{kind}}","check":true,"config_json":{{config}}}""");
        Assert.Equal(expected == "ok" ? 201 : 422, created.Status);
        Assert.Equal(expected == "ok" ? 2 : 1, (await api.GetAsync(path)).Json.GetProperty("items").GetArrayLength());
        if (expected == "ok") return;
        Assert.Equal("provider_check_failed", created.Error);
        Assert.Equal(expected, created.Json.GetProperty("details").GetProperty("check").GetProperty("status").GetString());
    }

    [Fact]
    public async Task Says_that_what_cannot_be_reached_or_tried_was_not()
    {
        // No invoker: the real guard refuses this machine, whatever it is called.
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var path = $"/v1/zones/{zone}/providers";
        var local = (await api.PostAsync(
            path, """{"name":"l","kind":"oauth2_client_credentials","config_json":{"token_endpoint":"https://127.0.0.1:1/token","client_id":"c","client_secret":"s"}}""")).Get("id");
        Assert.Equal("unreachable", (await api.PostAsync($"{path}/{local}/test")).Get("status"));
        var elsewhere = (await api.PostAsync(
            path,
            """{"name":"e","kind":"oauth2_client_credentials","config_json":{"token_endpoint":"https://id.example/token","allowed_token_hosts":["other.example"],"client_id":"c","client_secret":"s"}}""")).Get("id");
        Assert.Equal("config_error", (await api.PostAsync($"{path}/{elsewhere}/test")).Get("status"));
        Assert.Equal("provider_check_unsupported", (await api.PostAsync($"{path}/{await api.ProviderAsync(zone)}/test")).Error);
        Assert.Equal("provider_not_found", (await api.PostAsync($"{path}/nobody/test")).Error);
    }

    [Fact]
    public async Task Limits_trials_of_a_zone()
    {
        await using var idp = await AuthorizationServer.StartAsync();
        await using var api = await ApiHost.StartAsync(http: idp.Client);
        var zone = await api.ZoneAsync();
        var path = $"/v1/zones/{zone}/providers";
        var id = (await api.PostAsync(path, $$"""{"name":"o","kind":"oauth2_client_credentials","config_json":{{Client}}}""")).Get("id");
        for (var i = 0; i < 10; i++) Assert.Equal(200, (await api.PostAsync($"{path}/{id}/test")).Status);
        var refused = await api.PostAsync($"{path}/{id}/test");
        Assert.Equal((429, "provider_test_rate_limited"), (refused.Status, refused.Error));
        Assert.NotNull(refused.Header("Retry-After"));
        for (var i = 0; i < 10; i++) Assert.Equal(422, (await api.PostAsync($"{path}/discovery", """{"issuer":"https://id.example"}""")).Status);
        Assert.Equal("provider_discovery_rate_limited", (await api.PostAsync($"{path}/discovery", """{"issuer":"https://id.example"}""")).Error);
    }

    [Fact]
    public async Task Discovers_endpoints_of_an_issuer_that_names_itself()
    {
        await using var idp = await AuthorizationServer.StartAsync();
        idp.Answer = context => context.Request.Path.Value switch
        {
            "/a/.well-known/openid-configuration" => AuthorizationServer.JsonAsync(context, 200,
                """{"issuer":"https://id.example/a/","token_endpoint":"https://id.example/t","authorization_endpoint":"https://id.example/auth","scopes_supported":["openid",1],"token_endpoint_auth_methods_supported":["client_secret_basic","tls_client_auth"]}"""),
            "/.well-known/oauth-authorization-server/b" => AuthorizationServer.JsonAsync(context, 200, """{"issuer":"https://id.example/b","token_endpoint":"https://id.example/t"}"""),
            "/c/.well-known/openid-configuration" => AuthorizationServer.JsonAsync(context, 200, """{"issuer":"https://evil.example","token_endpoint":"https://id.example/t"}"""),
            _ => AuthorizationServer.JsonAsync(context, 404, "{}"),
        };
        await using var api = await ApiHost.StartAsync(http: idp.Client);
        var path = $"/v1/zones/{await api.ZoneAsync()}/providers/discovery";
        Assert.Equal(
            """{"issuer":"https://id.example/a/","token_endpoint":"https://id.example/t","authorization_endpoint":"https://id.example/auth","scopes_supported":["openid"],"token_endpoint_auth_methods_supported":["client_secret_basic"]}""",
            (await api.PostAsync(path, """{"issuer":"https://id.example/a"}""")).Text);
        Assert.Equal("""{"issuer":"https://id.example/b","token_endpoint":"https://id.example/t"}""", (await api.PostAsync(path, """{"issuer":"https://id.example/b"}""")).Text);
        Assert.Equal("provider_discovery_failed", (await api.PostAsync(path, """{"issuer":"https://id.example/c"}""")).Error);
        foreach (var bad in (string[])["http://id.example", "https://u@id.example", "https://id.example?x", "id.example", ""])
        {
            Assert.Equal("invalid_issuer", (await api.PostAsync(path, $$"""{"issuer":"{{bad}}"}""")).Error);
        }

        Assert.Equal("zone_not_found", (await api.PostAsync("/v1/zones/none/providers/discovery", """{"issuer":"https://id.example/a"}""")).Error);
    }

    [Theory]
    [InlineData(401, "guarded")]
    [InlineData(403, "guarded")]
    [InlineData(200, "unverified")]
    [InlineData(302, "endpoint_error")]
    [InlineData(500, "endpoint_error")]
    public async Task Shows_an_upstream_a_forged_mandate_and_sees_what_it_does(int status, string expected)
    {
        await using var upstream = await AuthorizationServer.StartAsync();
        string? bearer = null;
        upstream.Answer = context =>
        {
            bearer = context.Request.Headers.Authorization;
            context.Response.StatusCode = context.Request.Method == "HEAD" ? status : 404;
            return Task.CompletedTask;
        };
        await using var api = await ApiHost.StartAsync(http: upstream.Client);
        var zone = await api.ZoneAsync();
        var provider = (await api.PostAsync($"/v1/zones/{zone}/providers", """{"name":"m","kind":"caracal_mandate"}""")).Get("id");
        string Body(string name, string check) =>
            $$"""{"name":"{{name}}","upstream_url":"https://up.example/api","scopes":["a:b"],"credential_provider_id":"{{provider}}"{{check}}}""";
        var id = (await api.PostAsync($"/v1/zones/{zone}/resources", Body("r", ""))).Get("id");
        Assert.Equal(expected, (await api.PostAsync($"/v1/zones/{zone}/resources/{id}/test")).Get("status"));
        Assert.Equal(3, bearer!["Bearer ".Length..].Split('.').Length);
        var created = await api.PostAsync($"/v1/zones/{zone}/resources", Body("checked", ""","check":true"""));
        Assert.Equal(expected == "guarded" ? 201 : 422, created.Status);
        if (expected != "guarded") Assert.Equal("resource_check_failed", created.Error);

        // A resource whose upstream never sees the mandate cannot be verified so.
        var other = (await api.PostAsync(
            $"/v1/zones/{zone}/resources",
            $$"""{"name":"o","upstream_url":"https://up.example","scopes":["a:b"],"credential_provider_id":"{{await api.ProviderAsync(zone)}}"}""")).Get("id");
        Assert.Equal("resource_verification_unsupported", (await api.PostAsync($"/v1/zones/{zone}/resources/{other}/test")).Error);
    }
}
