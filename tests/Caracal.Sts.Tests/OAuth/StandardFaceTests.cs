using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Caracal.Keys.Secrets;
using Caracal.Protocol.Mandates;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.OAuth;

/// <summary>RFC 8414, RFC 7662 and RFC 7009: what standard clients look for, without weakening anything.</summary>
public sealed class StandardFaceTests
{
    [Theory]
    [InlineData("/.well-known/oauth-authorization-server?zone_id=zone-1")]
    [InlineData("/.well-known/oauth-authorization-server/zone-1")]
    public async Task The_metadata_of_a_zone_names_its_endpoints(string path)
    {
        await using var sts = await StsHarness.StartAsync();
        var answer = await sts.GetAsync(path);
        Assert.Equal((200, StsHarness.Issuer), (answer.Status, answer.Text("issuer")));
        Assert.Equal("https://sts.example.com/oauth/2/token", answer.Text("token_endpoint"));
        Assert.Equal("https://sts.example.com/.well-known/jwks.json?zone_id=zone-1", answer.Text("jwks_uri"));
        Assert.Equal("""["urn:ietf:params:oauth:grant-type:token-exchange"]""", answer.Text("grant_types_supported"));
        Assert.Equal("[]", answer.Text("response_types_supported"));
        Assert.Equal("public, must-revalidate, max-age=300", answer.Response.Headers.CacheControl!.ToString());
        Assert.Equal(404, (await sts.GetAsync("/.well-known/oauth-authorization-server/zone-x")).Status);
        Assert.Equal(400, (await sts.GetAsync("/.well-known/oauth-authorization-server")).Status);
        await sts.SqlAsync("UPDATE zones SET archived_at = @now WHERE id = 'zone-1'", new { now = DateTimeOffset.UtcNow });
        Assert.Equal(404, (await sts.GetAsync(path)).Status);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_mandate_is_active_while_everything_it_stands_on_is(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var session = (await sts.PostAsync(StsHarness.Bootstrap())).Token;
        var gateway = await sts.MintAsync();
        var claims = MandateToken.TryParse(gateway)!.Claims;
        var shown = await AskAsync(sts, "introspect", gateway);
        Assert.Equal((200, "True", "app-p", "nucleus:pay", "gateway"), (shown.Status, shown.Text("active"), shown.Text("client_id"), shown.Text("scope"), shown.Text("use")));
        Assert.Equal((claims.Jti, claims.ExpiresAt.ToString(System.Globalization.CultureInfo.InvariantCulture), "no-store"), (
            shown.Text("jti"), shown.Text("exp"), shown.Response.Headers.CacheControl!.ToString()));
        var resource = (await sts.ExchangeAsync(gateway)).Token;
        Assert.Equal("""["resource://nucleus"]""", (await AskAsync(sts, "introspect", resource)).Text("aud"));
        await InactiveAsync(sts, gateway);
        Assert.Equal("True", (await AskAsync(sts, "introspect", session)).Text("active"));
        await sts.SqlAsync("UPDATE delegation_edges SET status = 'revoked', revoked_at = @now", new { now = DateTimeOffset.UtcNow });
        await InactiveAsync(sts, resource);
        await sts.SqlAsync("UPDATE authority_records SET status = 'revoked' WHERE id = @Sid", MandateToken.TryParse(session)!.Claims);
        await InactiveAsync(sts, session);
    }

    [Fact]
    public async Task Whatever_is_no_live_mandate_of_the_zone_is_inactive_and_says_no_more()
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync();
        await InactiveAsync(sts, "nonsense");
        await InactiveAsync(sts, gateway[..^4] + "AAAA");
        await InactiveAsync(sts, gateway, "app-elsewhere");
        await sts.SqlAsync("UPDATE sessions SET status = 'suspended' WHERE id = 's2'");
        await InactiveAsync(sts, gateway);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_client_revokes_its_own_mandate_with_all_that_came_of_it(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var gateway = await sts.MintAsync();
        var resource = (await sts.ExchangeAsync(gateway)).Claims;
        var other = await sts.MintAsync();
        var claims = MandateToken.TryParse(gateway)!.Claims;
        Assert.Equal((400, "unauthorized_client"), Of(await AskAsync(sts, "revoke", gateway, "app-o")));
        Assert.Equal(200, (await AskAsync(sts, "revoke", gateway, "app-elsewhere")).Status);
        Assert.Equal("active", await sts.ScalarAsync<string>("SELECT status FROM authority_records WHERE id = @Sid", claims));
        var answer = await AskAsync(sts, "revoke", gateway);
        Assert.Equal((200, ""), (answer.Status, await answer.Response.Content.ReadAsStringAsync()));
        foreach (var sid in new[] { claims.Sid, resource.Sid })
        {
            Assert.Equal("token_revoked", await sts.ScalarAsync<string>("SELECT revoked_reason FROM authority_records WHERE id = @sid AND status = 'revoked'", new { sid }));
        }

        Assert.Equal(2, await sts.ScalarAsync<long>("SELECT count(*) FROM event_outbox WHERE stream_name = 'caracal.sessions.revoke'"));
        Assert.Equal(200, (await AskAsync(sts, "revoke", gateway)).Status);
        Assert.Equal(200, (await AskAsync(sts, "revoke", "nonsense")).Status);
        Assert.Equal(2, await sts.ScalarAsync<long>("SELECT count(*) FROM event_outbox WHERE stream_name = 'caracal.sessions.revoke'"));
        Assert.Equal(200, (await sts.ExchangeAsync(other)).Status);
        var revoked = Assert.Single(await sts.EventsAsync(), e => e.GetProperty("event_type").GetString() == "token_revoked");
        Assert.Equal(
            $$"""{"application_id":"app-p","application_name":"app-p","session_id":"{{claims.Sid}}","jti":"{{claims.Jti}}"}""",
            revoked.GetProperty("metadata_json").GetRawText());
    }

    [Theory]
    [InlineData("introspect")]
    [InlineData("revoke")]
    public async Task Without_the_secret_nothing_is_told_and_failures_are_counted(string path)
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync();
        foreach (var form in new List<KeyValuePair<string, string>>[]
        {
            [new("token", gateway)], [new("token", gateway), new("client_id", "app-p")],
            [new("token", gateway), new("client_id", "app-p"), new("client_secret", "wrong")],
            [new("token", gateway), new("client_id", "unknown"), new("client_secret", StsHarness.Secret)],
        })
        {
            var refused = await PostAsync(sts, path, form, null);
            Assert.Equal((401, "invalid_client"), Of(refused));
            Assert.Equal("Basic realm=\"caracal-sts\"", refused.Response.Headers.WwwAuthenticate.ToString());
        }

        Assert.Equal((400, "invalid_request"), Of(await PostAsync(sts, path, [new("client_secret", StsHarness.Secret), new("token", gateway)], Basic("app-p", StsHarness.Secret))));
        Assert.Equal((401, "invalid_client"), Of(await PostAsync(sts, path, [new("client_id", "app-o"), new("token", gateway)], Basic("app-p", StsHarness.Secret))));
        Assert.Equal((401, "invalid_client"), Of(await PostAsync(sts, path, [new("token", gateway)], new AuthenticationHeaderValue("Basic", "%%%"))));
        Assert.Equal((401, "invalid_client"), Of(await PostAsync(sts, path, [new("token", gateway)], new AuthenticationHeaderValue("Bearer", gateway))));
        Assert.Equal((400, "invalid_request"), Of(await PostAsync(sts, path, [], Basic("app-p", StsHarness.Secret))));
        Assert.Equal(405, (await sts.GetAsync($"/oauth/2/{path}")).Status);
        for (var i = 0; i < 59; i++)
        {
            Assert.Equal(401, (await PostAsync(sts, path, [new("token", gateway)], Basic("app-p", "wrong"))).Status);
        }

        Assert.Equal((429, "provider_rate_limited"), Of(await PostAsync(sts, path, [new("token", gateway)], Basic("app-p", "wrong"))));
        Assert.Equal(429, (await sts.PostAsync(StsHarness.Bootstrap(("client_secret", "wrong")))).Status);
        Assert.Equal(200, (await PostAsync(sts, path, [new("token", gateway)], Basic("app-p", StsHarness.Secret))).Status);
        Assert.Contains("client_auth_failed", await sts.DenialsAsync());
        sts.State.Broken = true;
        Assert.Equal((503, "sts_unavailable"), Of(await PostAsync(sts, path, [new("token", gateway)], Basic("app-p", StsHarness.Secret))));
    }

    [Fact]
    public async Task A_secret_in_its_overlap_still_works_here()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.SqlAsync(
            "INSERT INTO credential_secrets (id, zone_id, owner, hash, state, expires_at, created_at) VALUES ('old', 'zone-1', 'application:app-p', @hash, 'previous', @end, @now)",
            new { hash = SecretHash.Of("the previous: one"), now = DateTimeOffset.UtcNow, end = DateTimeOffset.UtcNow.AddMinutes(1) });
        Assert.Equal(200, (await PostAsync(sts, "introspect", [new("token", "x")], Basic("app-p", "the previous: one"))).Status);
    }

    private static async Task InactiveAsync(StsHarness sts, string token, string client = StsHarness.Application)
    {
        var answer = await AskAsync(sts, "introspect", token, client);
        Assert.Equal((200, """{"active":false}"""), (answer.Status, answer.Body.GetRawText()));
    }

    private static Task<Answer> AskAsync(StsHarness sts, string path, string token, string client = StsHarness.Application) =>
        PostAsync(sts, path, [new("token", token), new("client_id", client), new("client_secret", StsHarness.Secret), new("token_type_hint", "access_token")], null);

    private static Task<Answer> PostAsync(StsHarness sts, string path, List<KeyValuePair<string, string>> form, AuthenticationHeaderValue? authorization)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"/oauth/2/{path}") { Content = new FormUrlEncodedContent(form) };
        request.Headers.Authorization = authorization;
        return sts.SendAsync(request);
    }

    private static AuthenticationHeaderValue Basic(string id, string secret) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{WebUtility.UrlEncode(id)}:{WebUtility.UrlEncode(secret)}")));

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);
}
