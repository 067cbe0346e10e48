using System.Net;
using System.Text.Json;
using Caracal.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Tests.Service;

/// <summary>Steps 14 and 15 over the signed HTTP exchange, against an STS that recomputes the signature.</summary>
public sealed class ExchangeTests : IAsyncLifetime
{
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_refusal_of_the_sts_passes_through_with_our_request_id()
    {
        Answers(403, """{"error":"operation_not_permitted","error_description":"not an operation","requestId":"theirs"}""");
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        var id = response.Headers.GetValues("X-Request-Id").Single();
        Assert.Equal(
            $$"""{"error":"operation_not_permitted","error_description":"not an operation","requestId":"{{id}}"}""",
            await response.Content.ReadAsStringAsync());
        Assert.Equal(1, await _host.MetricAsync("sts_exchange_errors"));
        Assert.Equal(1, await _host.MetricAsync("requests_denied"));
        Assert.Empty(_host.Upstream.Seen);
        Assert.Empty(await _host.EventsAsync());
    }

    [Fact]
    public async Task An_approval_hold_passes_through_whole()
    {
        Answers(401, """
            {"error":"interaction_required","error_description":"Human approval required for this request","approval_id":"id-1",
             "approval_type":"human_approval","state":"pending","tier":"high","binding":"f5","approval_expires_at":"2026-01-01T00:15:00Z"}
            """);
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        var body = await BodyAsync(response);
        Assert.Equal(
            ("interaction_required", "id-1", "human_approval", "pending", "high", "f5", "2026-01-01T00:15:00Z"),
            (Text(body, "error"), Text(body, "approval_id"), Text(body, "approval_type"), Text(body, "state"), Text(body, "tier"),
                Text(body, "binding"), Text(body, "approval_expires_at")));
    }

    [Theory]
    [InlineData("""{"access_token":""}""", 502, "sts_unavailable", "sts response invalid")]
    [InlineData("nonsense", 502, "sts_unavailable", "sts response invalid")]
    [InlineData("""{"access_token":"t","upstreams":{}}""", 403, "access_denied", "resource upstream not configured")]
    [InlineData("""{"access_token":"t","upstreams":{"resource://pipernet":{"url":""}}}""", 403, "access_denied", "resource upstream not configured")]
    public async Task A_200_that_grants_nothing_is_refused(string body, int status, string code, string description)
    {
        Answers(200, body);
        await RefusedAsync(status, code, description);
    }

    [Fact]
    public async Task An_answer_of_more_than_16_KiB_is_invalid()
    {
        Answers(200, $$"""{"access_token":"t","padding":"{{new string('x', 17_000)}}"}""");
        await RefusedAsync(502, "sts_unavailable", "sts response invalid");
    }

    [Fact]
    public async Task A_failure_without_a_code_keeps_its_status()
    {
        Answers(503, "<html>down</html>", "text/html");
        await RefusedAsync(503, "sts_unavailable", "Service Unavailable");
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        _host.Sts.Answer = http =>
        {
            http.Response.StatusCode = 307;
            http.Response.Headers.Location = _host.Upstream.Address.ToString();
            return Task.CompletedTask;
        };
        await RefusedAsync(502, "sts_unavailable", "Temporary Redirect");
    }

    [Fact]
    [Trait("requirement", "R88")]
    public async Task An_sts_that_is_silent_is_504()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { StsTimeout = TimeSpan.FromMilliseconds(300) });
        host.Sts.Answer = http => Task.Delay(Timeout.Infinite, http.RequestAborted);
        using var response = await host.SendAsync(host.Request());
        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Equal("sts timeout", Text(await BodyAsync(response), "error_description"));
    }

    [Fact]
    public async Task What_somebody_before_the_sts_answers_says_nothing_about_the_circuit()
    {
        foreach (var (status, body) in ((int, string)[])[(502, "<html>"), (502, "<html>"), (404, "<html>"), (502, "<html>")])
        {
            Answers(status, body);
            using var failed = await _host.SendAsync(_host.Request());
            Assert.Equal(status, (int)failed.StatusCode);
        }

        Assert.Equal(1, await _host.MetricAsync("sts_circuit_open"));
    }

    [Fact]
    public async Task Three_failures_open_the_circuit_and_one_probe_closes_it()
    {
        Answers(503, """{"error":"sts_unavailable","error_description":"down"}""");
        for (var i = 0; i < 3; i++)
        {
            using var failed = await _host.SendAsync(_host.Request());
            Assert.Equal(HttpStatusCode.ServiceUnavailable, failed.StatusCode);
        }

        using var fast = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, fast.StatusCode);
        Assert.Equal("sts unavailable", Text(await BodyAsync(fast), "error_description"));
        Assert.Equal(3, _host.Sts.Exchanges.Count);
        var metrics = await _host.MetricsAsync();
        Assert.Equal((1, 1, 1, 4), (
            metrics.GetProperty("sts_circuit_open").GetInt64(), metrics.GetProperty("sts_circuit_opened").GetInt64(),
            metrics.GetProperty("sts_circuit_fast_fail").GetInt64(), metrics.GetProperty("sts_exchange_errors").GetInt64()));

        _host.Time.Advance(TimeSpan.FromSeconds(10));
        _host.Sts.Answer = null;
        using var probe = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.OK, probe.StatusCode);
        Assert.Equal(0, await _host.MetricAsync("sts_circuit_open"));
    }

    [Fact]
    [Trait("requirement", "R6")]
    public async Task Every_exchange_is_signed_over_its_own_bytes_with_its_own_nonce()
    {
        using var first = _host.Request("/v1/items%20list/%C3%A4?q=1", method: HttpMethod.Post);
        first.Headers.TryAddWithoutValidation("X-Request-Id", "req-1");
        var bearer = first.Headers.Authorization!.Parameter!;
        using var one = await _host.SendAsync(first);
        using var two = await _host.SendAsync(_host.Request());
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (one.StatusCode, two.StatusCode));
        Assert.Empty(_host.Sts.SignatureFaults);
        Assert.Equal(2, _host.Sts.Nonces.Distinct(StringComparer.Ordinal).Count());

        Assert.True(_host.Sts.Exchanges.TryDequeue(out var form));
        Assert.Equal(
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["grant_type"] = "urn:ietf:params:oauth:grant-type:token-exchange",
                ["zone_id"] = "zone-1",
                ["application_id"] = "app-1",
                ["subject_token"] = bearer,
                ["subject_token_type"] = "urn:ietf:params:oauth:token-type:access_token",
                ["resource"] = GatewayHost.Resource,
                ["request_method"] = "POST",
                ["request_path"] = "/v1/items list/ä",
                ["gateway_request_id"] = "req-1",
            },
            form.ToDictionary(field => field.Key, field => field.Value.ToString(), StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_exchange_is_made_once_even_when_it_fails()
    {
        Answers(500, "{}");
        using var response = await _host.SendAsync(_host.Request());
        Assert.Single(_host.Sts.Exchanges);
    }

    private void Answers(int status, string body, string type = "application/json") => _host.Sts.Answer = http =>
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = type;
        return http.Response.WriteAsync(body);
    };

    private async Task RefusedAsync(int status, string code, string description)
    {
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(status, (int)response.StatusCode);
        var body = await BodyAsync(response);
        Assert.Equal((code, description), (Text(body, "error"), Text(body, "error_description")));
        Assert.Empty(_host.Upstream.Seen);
    }

    private static async Task<JsonElement> BodyAsync(HttpResponseMessage response)
    {
        using var document = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync());
        return document.RootElement.Clone();
    }

    private static string? Text(JsonElement body, string name) => body.GetProperty(name).GetString();
}
