using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Web;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

public sealed class ProviderConnectionsTests
{
    private const string Config =
        """
        {"authorization_endpoint":"https://id.example/auth?tenant=a","token_endpoint":"https://id.example/token","revocation_endpoint":"https://id.example/revoke",
         "redirect_uri":"https://here.example/cb","client_id":"c","client_secret":"s3cr3t","scopes":["read","write"],"authorization_params":{"prompt":"consent"}}
        """;

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Connects_a_user_by_consent_once(Engine engine)
    {
        await using var idp = await AuthorizationServer.StartAsync();
        await using var api = await ApiHost.StartAsync(http: idp.Client, engine: engine);
        var (path, provider) = await ProviderAsync(api);
        var asked = await api.PostAsync($"{path}/oauth/authorize", $$"""{"subject_id":"user-1","provider_id":"{{provider}}"}""");
        Assert.Equal(200, asked.Status);
        var url = new Uri(asked.Get("authorization_url"));
        var query = HttpUtility.ParseQueryString(url.Query);
        Assert.Equal("https://id.example/auth", url.GetLeftPart(UriPartial.Path));
        Assert.Equal(
            ("a", "consent", "code", "c", "https://here.example/cb", "read write", "S256", asked.Get("state")),
            (query["tenant"], query["prompt"], query["response_type"], query["client_id"], query["redirect_uri"], query["scope"], query["code_challenge_method"], query["state"]));

        idp.Answer = context => AuthorizationServer.JsonAsync(context, 200, """{"access_token":"at-1","refresh_token":"rt-1","token_type":"Bearer","expires_in":3600}""");
        var back = await api.GetAsync($"{path}/oauth/callback?state={asked.Get("state")}&code=abc", token: null);
        Assert.Equal(201, back.Status);
        Assert.Equal(("user-1", "active"), (back.Get("subject_id"), back.Get("status")));
        Assert.DoesNotContain("at-1", back.Text, StringComparison.Ordinal);
        var (place, authorization, form) = Assert.Single(idp.Forms);
        Assert.Equal(("/token", "authorization_code", "abc", "https://here.example/cb"), (place, form["grant_type"], form["code"], form["redirect_uri"]));
        Assert.Equal("Basic " + Convert.ToBase64String("c:s3cr3t"u8), authorization);
        Assert.Equal(query["code_challenge"], Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"]))));
        Assert.Equal("oauth_state_expired", (await api.GetAsync($"{path}/oauth/callback?state={asked.Get("state")}&code=abc", token: null)).Error);

        var listed = (await api.GetAsync($"{path}?subject_id=user-1&status=active&provider_id={provider}")).Json.GetProperty("items")[0];
        Assert.True(listed.GetProperty("renewable").GetBoolean());
        Assert.Single(await api.RowsAsync("SELECT id FROM admin_audit_events WHERE action LIKE 'GET %callback'"));

        idp.Answer = context => AuthorizationServer.JsonAsync(context, 200, "");
        var revoked = await api.PostAsync($"{path}/revoke", $$"""{"subject_id":"user-1","provider_id":"{{provider}}"}""");
        Assert.Equal(("revoked", "revoked"), (revoked.Get("status"), revoked.Get("upstream_revocation")));
        var taken = idp.Forms.Last();
        Assert.Equal(("/revoke", "rt-1", "refresh_token"), (taken.Path, taken.Form["token"], taken.Form["token_type_hint"]));
        Assert.Equal("provider_connection_not_found", (await api.PostAsync($"{path}/revoke", $$"""{"subject_id":"user-1","provider_id":"{{provider}}"}""")).Error);
        Assert.Empty(await api.RowsAsync("SELECT id FROM provider_connections WHERE access_token_ct IS NOT NULL"));
    }

    [Fact]
    public async Task Answers_a_browser_with_a_page_that_escapes_what_came_from_outside()
    {
        await using var idp = await AuthorizationServer.StartAsync();
        await using var api = await ApiHost.StartAsync(http: idp.Client);
        var (path, provider) = await ProviderAsync(api);
        var state = (await api.PostAsync($"{path}/oauth/authorize", $$"""{"provider_id":"{{provider}}"}""")).Get("state");
        var page = await api.SendAsync(
            "GET", $"{path}/oauth/callback?state={state}&error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=x", null, null, headers: ("Accept", "text/html"));
        Assert.Equal(400, page.Status);
        Assert.StartsWith("text/html", page.Header("Content-Type"), StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", page.Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page.Text, StringComparison.Ordinal);
        Assert.Contains("provider_oauth_denied", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500, "{}", "provider_token_exchange_failed")]
    [InlineData(400, """{"error":"invalid_grant"}""", "provider_token_exchange_failed")]
    [InlineData(200, """{"error":"bad_verification_code"}""", "provider_token_exchange_failed")]
    [InlineData(200, "{}", "provider_token_response_invalid")]
    [InlineData(200, """{"access_token":"a b"}""", "provider_token_response_invalid")]
    [InlineData(200, """{"access_token":"a","token_type":"mac"}""", "provider_token_type_unsupported")]
    public async Task Stores_nothing_when_the_exchange_fails(int status, string body, string code)
    {
        await using var idp = await AuthorizationServer.StartAsync();
        idp.Answer = context => AuthorizationServer.JsonAsync(context, status, body);
        await using var api = await ApiHost.StartAsync(http: idp.Client);
        var (path, provider) = await ProviderAsync(api);
        var state = (await api.PostAsync($"{path}/oauth/authorize", $$"""{"provider_id":"{{provider}}"}""")).Get("state");
        var refused = await api.GetAsync($"{path}/oauth/callback?state={state}&code=abc", token: null);
        Assert.Equal((502, code), (refused.Status, refused.Error));
        Assert.Empty(await api.RowsAsync("SELECT id FROM provider_connections"));
    }

    [Fact]
    public async Task Refuses_callbacks_that_belong_to_no_consent_of_this_zone()
    {
        await using var idp = await AuthorizationServer.StartAsync();
        await using var api = await ApiHost.StartAsync(http: idp.Client);
        var (path, provider) = await ProviderAsync(api);
        var other = await api.ZoneAsync("Other");
        async Task<string> StateAsync() => (await api.PostAsync($"{path}/oauth/authorize", $$"""{"provider_id":"{{provider}}"}""")).Get("state");
        foreach (var bad in (string[])["", "?state=short&code=x", $"?state={new string('a', 257)}&code=x", $"?state={new string('a', 43)}&state=b&code=x"])
        {
            Assert.Equal("invalid_oauth_callback", (await api.GetAsync($"{path}/oauth/callback{bad}", token: null)).Error);
        }

        Assert.Equal("oauth_state_expired", (await api.GetAsync($"{path}/oauth/callback?state={new string('a', 43)}&code=x", token: null)).Error);
        Assert.Equal("oauth_state_mismatch", (await api.GetAsync($"/v1/zones/{other}/provider-connections/oauth/callback?state={await StateAsync()}&code=x", token: null)).Error);
        Assert.Equal("authorization_code_required", (await api.GetAsync($"{path}/oauth/callback?state={await StateAsync()}", token: null)).Error);

        // A look at the headers uses nothing up.
        var kept = await StateAsync();
        Assert.Equal(401, (await api.SendAsync("HEAD", $"{path}/oauth/callback?state={kept}&code=x", null, token: null)).Status);
        idp.Answer = context => AuthorizationServer.JsonAsync(context, 200, """{"access_token":"at"}""");
        Assert.Equal(201, (await api.GetAsync($"{path}/oauth/callback?state={kept}&code=x", token: null)).Status);

        // The provider went while the user was away.
        var late = await StateAsync();
        await api.DeleteAsync($"{path.Replace("provider-connections", "providers", StringComparison.Ordinal)}/{provider}");
        Assert.Equal("provider_not_found", (await api.GetAsync($"{path}/oauth/callback?state={late}&code=x", token: null)).Error);
    }

    [Fact]
    public async Task Stores_tokens_somebody_brings_and_replaces_the_ones_before()
    {
        await using var api = await ApiHost.StartAsync();
        var (path, provider) = await ProviderAsync(api);
        var made = await api.PostAsync(path, $$"""{"provider_id":"{{provider}}","access_token":"at-1","expires_at":"2030-01-01T00:00:00Z"}""");
        Assert.Equal(201, made.Status);
        Assert.Equal(("caracal:shared", "2030-01-01T00:00:00.000Z"), (made.Get("subject_id"), made.Get("expires_at")));
        var again = await api.PostAsync(path, $$"""{"provider_id":"{{provider}}","access_token":"at-2","refresh_token":"rt"}""");
        Assert.Equal(made.Get("id"), again.Get("id"));
        Assert.Equal("2", Assert.Single(await api.RowsAsync("SELECT refresh_token_version AS v FROM provider_connections"))["v"]);
        foreach (var bad in (string[])["{}", $$"""{"provider_id":"{{provider}}"}""", $$"""{"provider_id":"{{provider}}","access_token":"a b"}""", $$"""{"provider_id":"{{provider}}","access_token":"a","expires_at":"soon"}"""])
        {
            Assert.Equal("invalid_provider_connection", (await api.PostAsync(path, bad)).Error);
        }

        Assert.Equal("provider_not_found", (await api.PostAsync(path, """{"provider_id":"x","access_token":"a"}""")).Error);
        var plain = await api.ProviderAsync(path.Split('/')[3]);
        Assert.Equal("provider_connection_unsupported", (await api.PostAsync(path, $$"""{"provider_id":"{{plain}}","access_token":"a"}""")).Error);
        Assert.Equal("provider_connection_unsupported", (await api.PostAsync($"{path}/oauth/authorize", $$"""{"provider_id":"{{plain}}"}""")).Error);
        Assert.Equal("invalid_provider_oauth_authorize", (await api.PostAsync($"{path}/oauth/authorize", "{}")).Error);
        Assert.Equal("invalid_provider_connection_revoke", (await api.PostAsync($"{path}/revoke", "{}")).Error);
    }

    private static async Task<(string Path, string Provider)> ProviderAsync(ApiHost api)
    {
        var zone = await api.ZoneAsync();
        var created = await api.PostAsync(
            $"/v1/zones/{zone}/providers", $$"""{"name":"consent","kind":"oauth2_authorization_code","config_json":{{Config}}}""");
        Assert.Equal(201, created.Status);
        return ($"/v1/zones/{zone}/provider-connections", created.Get("id"));
    }
}
