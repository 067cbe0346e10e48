using System.Net;
using Caracal.Sdk.Tests.Support;

namespace Caracal.Sdk.Tests;

/// <summary>Every error of sdk.md 8 arrives as what it is, from each service a client asks.</summary>
public sealed class ErrorMappingTests : IDisposable
{
    private readonly ScriptedServices _services = new();

    public void Dispose() => _services.Dispose();

    [Theory]
    [InlineData(400, CaracalErrorCodes.InvalidRequest, false)]
    [InlineData(401, CaracalErrorCodes.AccessDenied, false)]
    [InlineData(403, CaracalErrorCodes.AccessDenied, false)]
    [InlineData(401, CaracalErrorCodes.InvalidToken, false)]
    [InlineData(400, CaracalErrorCodes.ZoneInvalid, false)]
    [InlineData(404, CaracalErrorCodes.ResourceNotFound, false)]
    [InlineData(403, CaracalErrorCodes.ScopeInsufficient, false)]
    [InlineData(403, CaracalErrorCodes.OperationNotPermitted, false)]
    [InlineData(403, CaracalErrorCodes.DelegationRequired, false)]
    [InlineData(409, CaracalErrorCodes.ApprovalConsumed, false)]
    [InlineData(400, CaracalErrorCodes.StsUnavailable, true)] // by its code
    [InlineData(503, CaracalErrorCodes.StsUnavailable, true)]
    [InlineData(403, "provider_rate_limited", true)] // by its code
    [InlineData(408, "timed_out", true)]
    [InlineData(425, "too_early", true)]
    [InlineData(429, "slow_down", true)]
    [InlineData(502, "provider_failed", true)]
    public async Task A_refused_exchange_keeps_its_code_status_and_request(int status, string code, bool retryable)
    {
        _services.Answer = sent => sent.Path == "/oauth/2/token" ? ScriptedServices.Json(status, $$"""{"error":"{{code}}","error_description":"why","requestId":"r-1"}""") : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        var told = new List<TokenExchangeEvent>();
        client.EventRaised += raised => told.Add((TokenExchangeEvent)raised);
        var refused = await Assert.ThrowsAsync<CaracalException>(() => client.MintMandateAsync("resource://a", ["read"]));
        Assert.Equal((code, "why", status, "r-1", retryable), (refused.Code, refused.Message, refused.HttpStatus, refused.RequestId, refused.IsRetryable));
        Assert.Single(_services.To("POST", "/token")); // never repeated by itself
        Assert.Equal((false, status, code), (Assert.Single(told).Ok, told[0].Status!.Value, told[0].Code));
    }

    [Theory]
    [InlineData(500, "<html>", CaracalErrorCodes.StsUnavailable)]
    [InlineData(404, "", "http_404")]
    [InlineData(403, "[]", "http_403")]
    public async Task An_answer_that_describes_no_error_is_named_by_its_status(int status, string body, string code)
    {
        _services.Answer = sent => sent.Path == "/oauth/2/token" ? ScriptedServices.Json(status, body) : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        var refused = await Assert.ThrowsAsync<CaracalException>(() => client.MintMandateAsync("resource://a", ["read"]));
        Assert.Equal((code, status, (string?)null), (refused.Code, refused.HttpStatus, refused.RequestId));
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/jsonp")]
    [InlineData("text/html; charset=utf-8")]
    public async Task A_token_that_is_not_sent_as_json_is_none(string type)
    {
        _services.Answer = sent =>
        {
            var answer = ScriptedServices.Json(200, """{"access_token":"t","expires_in":5}""");
            answer.Content.Headers.Remove("Content-Type");
            answer.Content.Headers.TryAddWithoutValidation("Content-Type", type);
            return answer;
        };
        await using var client = CaracalClient.FromOptions(_services.Options);
        Assert.Equal(502, (await Assert.ThrowsAsync<CaracalException>(() => client.MintMandateAsync("resource://a", ["read"]))).HttpStatus);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("Application/JSON ; charset=utf-8")]
    [InlineData("application/token+json")]
    public async Task Json_is_taken_under_each_of_its_names(string type)
    {
        _services.Answer = sent =>
        {
            var answer = ScriptedServices.Json(200, """{"access_token":"t","expires_in":5}""");
            answer.Content.Headers.Remove("Content-Type");
            answer.Content.Headers.TryAddWithoutValidation("Content-Type", type);
            return answer;
        };
        await using var client = CaracalClient.FromOptions(_services.Options);
        Assert.Equal("t", (await client.MintMandateAsync("resource://a", ["read"])).Token);
    }

    [Fact]
    public async Task A_hold_says_everything_that_a_person_needs_to_decide()
    {
        _services.Answer = sent => sent.Path == "/oauth/2/token"
            ? ScriptedServices.Json(401, """{"error":"interaction_required","error_description":"approve first","approval_id":"ap-1","approval_type":"human_approval","state":"pending","tier":"high","binding":"b-1","resource":"resource://a","approval_expires_at":"2030-01-02T03:04:05Z","requestId":"r-1"}""")
            : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        var hold = await Assert.ThrowsAsync<ApprovalRequiredException>(() => client.MintMandateAsync("resource://a", ["read"]));
        Assert.Equal(("ap-1", "pending", "high", "b-1", "resource://a", "r-1"), (hold.ApprovalId, hold.State, hold.Tier, hold.Binding, hold.Resource, hold.RequestId));
        Assert.Equal(new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero), hold.ExpiresAt);
        Assert.False(hold.IsRetryable);
    }

    [Fact]
    public async Task Without_an_answer_both_services_are_unreachable_and_worth_another_try()
    {
        _services.Answer = sent => sent.Path == "/oauth/2/token" ? throw new HttpRequestException("refused") : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        var sts = await Assert.ThrowsAsync<CaracalException>(() => client.MintMandateAsync("resource://a", ["read"]));
        Assert.Equal((CaracalErrorCodes.StsUnavailable, 0, true), (sts.Code, sts.HttpStatus, sts.IsRetryable));

        _services.Answer = sent => sent.Path.EndsWith("/revoke", StringComparison.Ordinal) ? throw new HttpRequestException("refused") : null;
        var status = -1;
        client.EventRaised += raised => status = (raised as CoordinatorCallEvent)?.Status ?? status;
        var coordinator = await Assert.ThrowsAsync<CoordinatorException>(() => client.RevokeDelegationAsync("edge"));
        Assert.Equal(("coordinator_unreachable", 0, 0), (coordinator.Code, coordinator.HttpStatus, status));
    }

    [Fact]
    public async Task A_refusal_of_the_coordinator_says_what_was_asked_and_how_long_to_wait()
    {
        _services.Answer = sent =>
        {
            if (!sent.Path.EndsWith("/revoke", StringComparison.Ordinal)) return null;
            var answer = ScriptedServices.Json(429, $$"""{"error":"rate_limited","detail":"{{new string('x', 5000)}}"}""");
            answer.Headers.Add("x-request-id", "r-header");
            answer.Headers.RetryAfter = new(TimeSpan.FromSeconds(7));
            return answer;
        };
        await using var client = CaracalClient.FromOptions(_services.Options);
        var refused = await Assert.ThrowsAsync<CoordinatorException>(() => client.RevokeDelegationAsync("a/b"));
        Assert.Equal(("PATCH", "/zones/z1/delegations/a%2Fb/revoke", 429, "rate_limited"), (refused.Method, refused.Path, refused.HttpStatus, refused.Code));
        Assert.Equal(("r-header", TimeSpan.FromSeconds(7), 2048, false), (refused.RequestId, refused.RetryAfter, refused.Body.Length, refused.IsTerminal));
    }

    [Theory]
    [InlineData(404, "not_found", true)]
    [InlineData(409, "already_terminated", true)]
    [InlineData(409, "session_not_live", true)]
    [InlineData(409, "session_not_found_or_not_active", true)]
    [InlineData(409, "session_lease_fenced", true)]
    [InlineData(409, "session_subject_inactive", true)]
    [InlineData(409, "session_lease_expired", false)] // may be attached to again
    [InlineData(403, "session_not_live", false)]
    public void A_session_is_over_when_the_coordinator_says_so_in_these_words_only(int status, string code, bool over) =>
        Assert.Equal(over, new CoordinatorException("POST", "/x", status, code, null, "").IsTerminal);

    [Fact]
    public async Task A_state_of_an_approval_that_nobody_knows_is_an_error()
    {
        _services.Answer = sent => sent.Path.StartsWith("/approvals/", StringComparison.Ordinal) ? ScriptedServices.Json(200, """{"state":"perhaps"}""") : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        Assert.Equal("approval_state_unknown", (await Assert.ThrowsAsync<CaracalException>(() => client.WaitForApprovalAsync("ap-1"))).Code);
        _services.Answer = sent => sent.Path.StartsWith("/approvals/", StringComparison.Ordinal) ? new HttpResponseMessage(HttpStatusCode.NotFound) : null;
        Assert.Equal("http_404", (await Assert.ThrowsAsync<CaracalException>(() => client.WaitForApprovalAsync("ap-1"))).Code);
    }
}
