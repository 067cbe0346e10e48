using System.Text.Json;
using Caracal.Protocol;
using Caracal.Protocol.Exchange;
using Caracal.Protocol.Mandates;

namespace Caracal.Sts.Tests.TokenExchange;

/// <summary>sts.md 5 and gateway.md A8: the re-exchange, signed over HTTP and called in the same process.</summary>
public sealed class GatewayExchangeTests
{
    [Fact]
    public async Task A_gateway_mandate_becomes_a_resource_mandate_with_its_upstream()
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync();
        var answer = await sts.ExchangeAsync(gateway);
        Assert.Equal(200, answer.Status);
        var origin = MandateToken.TryParse(gateway)!.Claims;
        var claims = answer.Claims;
        Assert.Equal((MandateUse.Resource, "nucleus:pay", "app-p"), (claims.Use, claims.Scope, claims.Subject));
        Assert.Equal(["resource://nucleus"], claims.Audience);
        Assert.Equal((origin.RootSid, "s2", "e1"), (claims.RootSid, claims.AgentSessionId, claims.DelegationEdgeId));
        Assert.True(claims.ExpiresAt <= origin.ExpiresAt);
        Assert.Equal(origin.Sid, await sts.ScalarAsync<string>("SELECT parent_id FROM authority_records WHERE id = @Sid", claims));
        Assert.Equal(
            """{"resource://nucleus":{"url":"https://up.example.com","auth_mode":"caracal_jwt","auth_header":"Authorization","auth_scheme":"Bearer"}}""",
            answer.Text("upstreams"));
        var used = (await sts.EventsAsync())[^1];
        Assert.Equal("""[{"policy":"caracal-payments-use"}]""", used.GetProperty("determining_policies_json").GetRawText());
    }

    [Fact]
    public async Task A_sealed_credential_reaches_the_gateway_and_nobody_else()
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync(("resource", "resource://keyed"), ("scope", "keyed:use"));
        var answer = await sts.ExchangeAsync(gateway, resource: "resource://keyed");
        var directive = answer.Body.GetProperty("upstreams").GetProperty("resource://keyed");
        Assert.Equal(("provider_apikey", "header", "X-Api-Key", "sk-test", "prov-key"), (
            Text(directive, "auth_mode"), Text(directive, "auth_location"), Text(directive, "auth_header"),
            Text(directive, "provider_token"), Text(directive, "provider_id")));
        Assert.DoesNotContain(await sts.EventsAsync(), e => e.GetRawText().Contains("sk-test", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_provider_that_cannot_be_brokered_is_502()
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync(("resource", "resource://open"), ("scope", "open:use"));
        var answer = await sts.ExchangeAsync(gateway, resource: "resource://open");
        Assert.Equal((502, "http_request_failed"), (answer.Status, answer.Error));
    }

    [Fact]
    public async Task One_mandate_is_exchanged_once_even_by_many_at_the_same_time()
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => sts.ExchangeAsync(gateway)));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal((401, "invalid_token"), (answer.Status, answer.Error)));
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records WHERE parent_id IS NOT NULL"));
    }

    [Fact]
    public async Task A_restart_does_not_reopen_a_spent_mandate()
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync();
        Assert.Equal(200, (await sts.ExchangeAsync(gateway)).Status);
        await sts.RestartAsync();
        Assert.Equal((401, "invalid_token"), Of(await sts.ExchangeAsync(gateway)));
        Assert.Equal(200, (await sts.ExchangeAsync(await sts.MintAsync())).Status);
    }

    [Fact]
    public async Task The_call_in_process_gives_the_same_and_leaves_the_same_events()
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync();
        var request = new ExchangeRequest("zone-1", "app-p", gateway.AsMemory(), StsHarness.Resource, "GET", "/pay", "req-1", Subject: MandateToken.TryParse(gateway));
        var granted = await sts.Service.Exchange.ExchangeAsync(request, CancellationToken.None);
        Assert.NotNull(granted.Grant);
        Assert.Equal(("https://up.example.com", "caracal_jwt"), (granted.Grant.Upstream!.Url, granted.Grant.Upstream.AuthMode));
        Assert.Equal(MandateUse.Resource, MandateToken.TryParse(granted.Grant.AccessToken!)!.Claims.Use);
        var again = await sts.Service.Exchange.ExchangeAsync(request, CancellationToken.None);
        Assert.Equal((401, "invalid_token", true), (again.Failure!.Refusal.Status, again.Failure.Refusal.Code, again.Failure.Authenticated));
        Assert.Equal("req-1", (await sts.EventsAsync())[^1].GetProperty("request_id").GetString());
        Assert.True(await sts.Service.Exchange.IsReachableAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_mandate_taken_apart_counts_only_with_its_own_text()
    {
        await using var sts = await StsHarness.StartAsync();
        var (spent, fresh) = (await sts.MintAsync(), await sts.MintAsync());
        Assert.Equal(200, (await sts.ExchangeAsync(spent)).Status);
        var forged = fresh[..^4] + (fresh.EndsWith("AAAA", StringComparison.Ordinal) ? "BBBB" : "AAAA");
        foreach (var text in new[] { spent, forged, "no token" })
        {
            var request = new ExchangeRequest("zone-1", "app-p", text.AsMemory(), StsHarness.Resource, "GET", "/pay", "req-1", Subject: MandateToken.TryParse(fresh));
            Assert.Equal(401, (await sts.Service.Exchange.ExchangeAsync(request, CancellationToken.None)).Failure!.Refusal.Status);
        }

        Assert.Equal(200, (await sts.ExchangeAsync(fresh)).Status);
    }

    // Over HTTP the Gateway looks its own header's text up among the upstreams, which are named by identifier (gateway.md A8).
    [Fact]
    public async Task A_row_id_in_the_resource_header_finds_no_upstream_in_process_either()
    {
        await using var sts = await StsHarness.StartAsync();
        var overHttp = await sts.ExchangeAsync(await sts.MintAsync(), resource: "res-1");
        Assert.False(overHttp.Body.GetProperty("upstreams").TryGetProperty("res-1", out _));
        var request = new ExchangeRequest("zone-1", "app-p", (await sts.MintAsync()).AsMemory(), "res-1", "GET", "/pay", "req-1");
        var granted = await sts.Service.Exchange.ExchangeAsync(request, CancellationToken.None);
        Assert.Null(granted.Grant!.Upstream);
    }

    [Theory]
    [InlineData("GET", "/other")]
    [InlineData("POST", "/pay")]
    [InlineData("GET", "/pay/")]
    [InlineData("GET", "/pay ")]
    [InlineData("GET", "\n/pay")]
    [InlineData("GET", "/pay\u00a0")]
    [InlineData("POST", "/read")]
    public async Task An_operation_outside_the_floor_is_not_permitted(string method, string path)
    {
        await using var sts = await StsHarness.StartAsync();
        var answer = await sts.ExchangeAsync(await sts.MintAsync(), method, path);
        Assert.Equal((403, "operation_not_permitted"), Of(answer));
        Assert.Contains("operation_not_permitted", await sts.DenialsAsync());
    }

    [Fact]
    public async Task The_method_is_compared_in_upper_case()
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal(200, (await sts.ExchangeAsync(await sts.MintAsync(), "get")).Status);
    }

    [Fact]
    public async Task Another_resource_than_the_mandates_target_is_denied()
    {
        await using var sts = await StsHarness.StartAsync();
        var answer = await sts.ExchangeAsync(await sts.MintAsync(), resource: "resource://keyed");
        Assert.Equal((403, "policy denied (mandate_target_mismatch)"), (answer.Status, answer.Description));
    }

    [Fact]
    [Trait("requirement", "R6")]
    public async Task Every_signed_part_is_checked()
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync();
        var requestId = Ids.New();
        var body = StsHarness.GatewayForm(gateway, requestId);
        async Task RefusedAsync(HttpRequestMessage request) =>
            Assert.Equal((401, "access_denied"), Of(await sts.SendAsync(request)));

        await RefusedAsync(sts.Signed(HttpMethod.Post, "/oauth/2/token", body, skew: -61, requestId: requestId));
        await RefusedAsync(sts.Signed(HttpMethod.Post, "/oauth/2/token", body, requestId: "another"));
        await RefusedAsync(sts.Signed(HttpMethod.Post, "/oauth/2/token", body));
        var changed = sts.Signed(HttpMethod.Post, "/oauth/2/token", body, requestId: requestId);
        var bytes = body.ToArray();
        bytes[^1] ^= 1;
        var type = changed.Content!.Headers.ContentType;
        changed.Content = new ByteArrayContent(bytes);
        changed.Content.Headers.ContentType = type;
        await RefusedAsync(changed);
        var partial = sts.Signed(HttpMethod.Post, "/oauth/2/token", body, requestId: requestId);
        partial.Headers.Remove("X-Caracal-Gateway-Request");
        await RefusedAsync(partial);
        Assert.Equal(200, (await sts.SendAsync(sts.Signed(HttpMethod.Post, "/oauth/2/token", body, nonce: "n-1", requestId: requestId))).Status);
        await RefusedAsync(sts.Signed(HttpMethod.Post, "/oauth/2/token", body, nonce: "n-1", requestId: requestId));
        Assert.Contains(await sts.EventsAsync(), e => e.GetProperty("event_type").GetString() == "gateway_signature_invalid");
    }

    [Fact]
    public async Task A_signed_call_is_refused_when_no_key_is_configured()
    {
        await using var sts = await StsHarness.StartAsync(("GATEWAY_STS_HMAC_KEY", ""));
        Assert.Equal((401, "access_denied"), Of(await sts.ExchangeAsync("a.b.c")));
    }

    [Fact]
    public async Task Only_a_live_gateway_mandate_of_this_zone_and_client_is_exchanged()
    {
        await using var sts = await StsHarness.StartAsync();
        var session = (await sts.PostAsync(StsHarness.Bootstrap())).Token;
        Assert.Equal((401, "invalid_token"), Of(await sts.ExchangeAsync(session)));
        Assert.Equal((401, "invalid_token"), Of(await sts.ExchangeAsync("a.b.c")));
        var gateway = await sts.MintAsync();
        Assert.Equal((401, "invalid_token"), Of(await sts.ExchangeAsync(gateway[..^4] + "AAAA")));
        await sts.SqlAsync("UPDATE authority_records SET status = 'revoked' WHERE id = @Sid", MandateToken.TryParse(gateway)!.Claims);
        Assert.Equal((403, "access_denied"), Of(await sts.ExchangeAsync(gateway)));
        var other = await sts.MintAsync();
        await sts.SqlAsync("UPDATE delegation_edges SET status = 'revoked', revoked_at = 1 WHERE id = 'e1'");
        Assert.Equal((403, "access_denied"), Of(await sts.ExchangeAsync(other)));
    }

    [Fact]
    public async Task A_token_without_the_gateway_never_opens_a_resource()
    {
        await using var sts = await StsHarness.StartAsync();
        var session = (await sts.PostAsync(StsHarness.Bootstrap())).Token;
        const string type = "urn:ietf:params:oauth:token-type:access_token";
        var answer = await sts.PostAsync(StsHarness.Bootstrap(("subject_token", session), ("subject_token_type", type)));
        Assert.Equal(403, answer.Status);
        var gateway = await sts.MintAsync();
        Assert.Equal((401, "invalid_token"), Of(await sts.PostAsync(StsHarness.Bootstrap(("subject_token", gateway), ("subject_token_type", type)))));
    }

    [Fact]
    public async Task Revoking_a_record_over_the_stream_reaches_its_descendants()
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync();
        var resource = (await sts.ExchangeAsync(gateway)).Claims;
        var sid = MandateToken.TryParse(gateway)!.Claims.Sid!;
        var id = await sts.Streams.AppendAsync(
            Topics.SessionsRevoke, [new("zone_id", "zone-1"), new("session_id", sid), new("reason", "grant_revoked")], null, CancellationToken.None);
        await sts.Streams.SettledAsync(Topics.SessionsRevoke, id, CancellationToken.None);
        Assert.Equal("revoked", await sts.ScalarAsync<string>("SELECT status FROM authority_records WHERE id = @sid AND revoked_reason = 'grant_revoked'", new { sid }));
        Assert.Equal("revoked", await sts.ScalarAsync<string>("SELECT status FROM authority_records WHERE id = @Sid", resource));
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
