using System.Text;
using Caracal.Gateway.Exchange;
using Caracal.Protocol;
using Caracal.Protocol.Exchange;

namespace Caracal.Gateway.Tests.Exchange;

public sealed class ExchangeAnswerTests
{
    private const string Resource = "resource://pipernet";

    [Theory]
    [InlineData(200, false, "{}")]
    [InlineData(200, true, "")]
    [InlineData(200, true, "not json")]
    [InlineData(200, true, "[]")]
    [InlineData(200, true, "{}")]
    [InlineData(200, true, """{"access_token":""}""")]
    [InlineData(200, true, """{"access_token":7}""")]
    public void A_200_that_cannot_be_read_is_an_invalid_answer(int status, bool json, string body) =>
        Assert.Equal(GatewayErrors.StsResponseInvalid, Read(status, json, body).Failure!.Refusal);

    [Fact]
    public void A_refusal_passes_through_with_its_status_code_and_text()
    {
        var failure = Read(403, true, """{"error":"operation_not_permitted","error_description":"no","requestId":"other"}""").Failure!;
        Assert.Equal(new Refusal(403, "operation_not_permitted", "no"), failure.Refusal);
        Assert.True(failure.Authenticated);
    }

    [Theory]
    [InlineData("", new string[0])]
    [InlineData(""","budget_edges":["e1","e2"]""", new[] { "e1", "e2" })]
    [InlineData(""","budget_edges":"e1" """, new[] { "" })] // unreadable: no budget of that name, so the call is refused
    public void Budgets_to_be_spent_are_named(string more, string[] expected)
    {
        var directive = $"\"url\":\"https://u\",\"auth_mode\":\"none\"{more}";
        var body = $"{{\"access_token\":\"t\",\"upstreams\":{{\"{Resource}\":{{{directive}}}}}}}";
        Assert.Equal(expected, Read(200, true, body).Grant!.Upstream!.BudgetEdges);
    }

    [Fact]
    public void A_hold_passes_through_whole()
    {
        var failure = Read(401, true, """
            {"error":"interaction_required","error_description":"Human approval required for this request","approval_id":"id-1",
             "approval_type":"human_approval","state":"pending","tier":"high","binding":"f5","approval_expires_at":"2026-01-01T00:15:00Z"}
            """).Failure!;
        Assert.Equal(new ApprovalHold("id-1", "pending", "high", "f5", "2026-01-01T00:15:00Z"), failure.Hold);
    }

    [Theory]
    [InlineData(503, 503)]
    [InlineData(302, 502)]
    [InlineData(204, 502)]
    public void Anything_else_is_an_unavailable_sts(int status, int seen)
    {
        var failure = Read(status, false, "<html>").Failure!;
        Assert.Equal(new Refusal(seen, "sts_unavailable", "phrase"), failure.Refusal);
        Assert.False(failure.Authenticated);
    }

    [Fact]
    public void A_grant_carries_the_directive_of_its_resource_only()
    {
        var grant = Read(200, true, """
            {"access_token":"t","token_type":"Bearer","expires_in":60,"upstreams":{
              "resource://other":{"url":"https://other"},
              "resource://pipernet":{"url":"https://u","auth_mode":"provider_apikey","auth_location":"query","query_param_name":"k",
                "auth_header":"H","auth_scheme":"S","allowed_token_hosts":["u"],"provider_token":"p","provider_id":"pid",
                "connection_id":"cid","forward_caracal_identity":true,"expires_at":9}}}
            """).Grant!;
        Assert.Equal(("t", 60), (grant.AccessToken, grant.ExpiresIn));
        var directive = grant.Upstream!;
        Assert.Equal(("https://u", "provider_apikey", "query", "k"), (directive.Url, directive.AuthMode, directive.AuthLocation, directive.QueryParamName));
        Assert.Equal(("H", "S", "p", "pid", "cid"), (directive.AuthHeader, directive.AuthScheme, directive.ProviderToken, directive.ProviderId, directive.ConnectionId));
        Assert.Equal(["u"], directive.AllowedTokenHosts);
        Assert.True(directive.ForwardCaracalIdentity);
        Assert.Equal(9, directive.ExpiresAt);
    }

    [Fact]
    public void A_list_of_hosts_that_cannot_be_read_restricts_instead_of_opening()
    {
        var directive = Read(200, true, """{"access_token":"t","upstreams":{"resource://pipernet":{"url":"u","allowed_token_hosts":"u"}}}""").Grant!.Upstream!;
        Assert.NotEmpty(directive.AllowedTokenHosts);
    }

    [Fact]
    public void A_grant_without_the_resource_has_no_directive() =>
        Assert.Null(Read(200, true, """{"access_token":"t","upstreams":{"resource://other":{"url":"u"}}}""").Grant!.Upstream);

    private static ExchangeOutcome Read(int status, bool json, string body) =>
        ExchangeAnswer.Read(status, json, Encoding.UTF8.GetBytes(body), Resource, "phrase");
}
