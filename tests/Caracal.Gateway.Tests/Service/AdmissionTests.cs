using System.Net;
using System.Text;
using System.Text.Json;
using Caracal.Gateway.Tests.Support;
using Caracal.Keys.Signatures;
using Caracal.Protocol.Mandates;

namespace Caracal.Gateway.Tests.Service;

/// <summary>Steps 1 to 13 over the wire: what each refuses, what it counts, and that nothing reaches the upstream.</summary>
public sealed class AdmissionTests : IAsyncLifetime
{
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Without_a_fresh_snapshot_nobody_passes()
    {
        _host.Time.Advance(TimeSpan.FromSeconds(71));
        await RefusedAsync(_host.Request(), 503, "sts_unavailable", "revocation state unavailable", "denials_revocation_stale");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Bearer")]
    [InlineData("Bearer    ")]
    [InlineData("Basic abc")]
    [InlineData("Bearerabc")]
    public async Task No_bearer_token_is_401(string? header)
    {
        using var request = _host.Request();
        request.Headers.Remove("Authorization");
        if (header is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", header);
        }

        await RefusedAsync(request, 401, "invalid_token", "missing bearer token", "denials_missing_auth");
    }

    [Fact]
    public async Task A_bearer_of_more_than_8192_bytes_is_too_large() =>
        await RefusedAsync(_host.Request(bearer: new string('a', 8193)), 401, "invalid_token", "bearer token too large", "denials_bad_bearer");

    [Theory]
    [InlineData("a.b")]
    [InlineData("a.b.c")]
    [InlineData("a.b.c.d")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.W10.AA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjB9.AA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.eyJleHAiOiIxIn0.AA")]
    public async Task A_bearer_that_is_no_mandate_is_malformed(string bearer) =>
        await RefusedAsync(_host.Request(bearer: bearer), 401, "invalid_token", "malformed bearer token", "denials_bad_bearer");

    [Fact]
    public async Task Five_thousand_bytes_of_garbage_are_malformed() =>
        await RefusedAsync(_host.Request(bearer: new string('g', 5000)), 401, "invalid_token", "malformed bearer token", "denials_bad_bearer");

    [Theory]
    [InlineData(-60)]
    [InlineData(30)]
    public async Task A_mandate_that_does_not_outlive_the_preflight_window_is_refused(int seconds) =>
        await RefusedAsync(
            _host.Request(bearer: _host.Mandate(life: TimeSpan.FromSeconds(seconds))),
            401, "credential_expired_not_renewable", "credential expiring within pre-flight window", "denials_expiring");

    [Fact]
    public async Task A_client_header_is_refused()
    {
        using var request = _host.Request();
        request.Headers.TryAddWithoutValidation("X-Caracal-Client-ID", "app-1");
        await RefusedAsync(request, 400, "invalid_token", "client identity derives from the bearer token", "denials_bad_routing");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("   ")]
    public async Task A_missing_resource_header_is_refused(string? value)
    {
        using var request = _host.Request();
        request.Headers.Remove("X-Caracal-Resource");
        if (value is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Caracal-Resource", value);
        }

        await RefusedAsync(request, 400, "invalid_token", "missing routing headers", "denials_bad_routing");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("zone one")]
    [InlineData("zone/1")]
    public async Task A_token_without_a_proper_zone_is_refused(string? zone) =>
        await RefusedAsync(
            _host.Request(bearer: _host.Mandate(claims => claims with { ZoneId = zone })),
            401, "invalid_token", "missing token zone", "denials_bad_routing");

    [Theory]
    [InlineData(null)]
    [InlineData("app one")]
    public async Task A_token_without_a_proper_client_is_refused(string? client) =>
        await RefusedAsync(
            _host.Request(bearer: _host.Mandate(claims => claims with { ClientId = client })),
            401, "invalid_token", "missing token client", "denials_bad_routing");

    [Theory]
    [InlineData("/a/../b")]
    [InlineData("/a/%2e%2e/b")]
    [InlineData("/a/%252e%252e/b")]
    [InlineData("/x/../health")]
    [InlineData("http://gateway/a/../b")]
    [InlineData("/a/%zz")]
    public async Task A_path_that_climbs_is_refused_as_it_stands_on_the_wire(string target)
    {
        var answer = await RawHttp.SendAsync(_host.Address, $"""
            GET {target} HTTP/1.1
            Host: gateway
            Authorization: Bearer {_host.Mandate()}
            X-Caracal-Resource: {GatewayHost.Resource}
            Connection: close


            """);
        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Contains("path traversal not permitted", answer, StringComparison.Ordinal);
        Assert.Equal(1, await _host.MetricAsync("denials_path_traversal"));
        Assert.Empty(_host.Upstream.Seen);
    }

    [Fact]
    public async Task A_flipped_signature_is_refused()
    {
        var bearer = _host.Mandate();
        var at = bearer.LastIndexOf('.') + 10;
        var flipped = bearer[..at] + (bearer[at] == 'A' ? 'B' : 'A') + bearer[(at + 1)..];
        await RefusedAsync(_host.Request(bearer: flipped), 401, "invalid_token", "bearer signature invalid", "denials_signature");
        Assert.Single(await _host.EventsAsync(), e => e.GetProperty("event_type").GetString() == "gateway_denied");
    }

    [Theory]
    [InlineData("""{"alg":"none","kid":"key-1"}""")]
    [InlineData("""{"alg":"HS256","kid":"key-1"}""")]
    [InlineData("""{"alg":"ES256"}""")]
    [InlineData("""{"alg":"ES256","kid":""}""")]
    public async Task A_header_that_is_not_ES256_with_a_key_id_is_refused(string header)
    {
        var payload = Encoding.UTF8.GetBytes($$"""{"exp":{{DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 100}},"zone_id":"zone-1","client_id":"app-1"}""");
        await RefusedAsync(
            _host.Request(bearer: TestMandates.Sign(payload, TestMandates.Key, header)),
            401, "invalid_token", "bearer signature invalid", "denials_signature");
        Assert.Empty(await _host.EventsAsync());
    }

    [Fact]
    public async Task Another_key_under_a_known_id_and_an_unknown_zone_are_refused()
    {
        using var foreign = SigningKey.Generate();
        var claims = TestMandates.Claims(_host.Time.GetUtcNow());
        await RefusedAsync(_host.Request(bearer: TestMandates.Sign(claims, foreign)), 401, "invalid_token", "bearer signature invalid", "denials_signature");
        using var unknown = await _host.SendAsync(_host.Request(bearer: TestMandates.Sign(claims with { ZoneId = "zone-2" })));
        Assert.Equal(HttpStatusCode.Unauthorized, unknown.StatusCode);
    }

    [Theory]
    [InlineData(MandateUse.Session)]
    [InlineData(MandateUse.Resource)]
    [InlineData(null)]
    public async Task Only_a_gateway_mandate_is_accepted(string? use) =>
        await RefusedAsync(
            _host.Request(bearer: _host.Mandate(claims => claims with { Use = use })),
            401, "invalid_token", "invalid subject_token", "denials_bad_bearer");

    [Fact]
    public async Task A_mandate_without_an_id_to_spend_is_refused() =>
        await RefusedAsync(
            _host.Request(bearer: _host.Mandate(claims => claims with { Jti = "" })),
            401, "invalid_token", "invalid subject_token", "denials_bad_bearer");

    [Fact]
    [Trait("requirement", "R87")]
    public async Task A_body_that_says_it_is_too_large_is_413_and_leaves_the_mandate_usable()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { MaxRequestBytes = 10 });
        var bearer = host.Mandate();
        using var large = host.Request(bearer: bearer, method: HttpMethod.Post);
        large.Content = new StringContent("12345678901");
        using var refused = await host.SendAsync(large);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        var body = await JsonDocument.ParseAsync(await refused.Content.ReadAsStreamAsync());
        Assert.Equal("payload_too_large", body.RootElement.GetProperty("error").GetString());
        Assert.Equal("request body too large", body.RootElement.GetProperty("error_description").GetString());
        Assert.Equal("RequestTooLarge", body.RootElement.GetProperty("code").GetString());
        Assert.Equal(1, await host.MetricAsync("requests_denied"));

        using var fitting = host.Request(bearer: bearer, method: HttpMethod.Post);
        fitting.Content = new StringContent("1234567890");
        using var accepted = await host.SendAsync(fitting);
        Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
    }

    [Fact]
    [Trait("requirement", "R78")]
    public async Task A_mandate_presented_twice_is_a_replay()
    {
        var bearer = _host.Mandate(claims => claims with { Jti = "jti-once" });
        using var first = await _host.SendAsync(_host.Request(bearer: bearer));
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.InRange(_host.State.Marked["seen:jti:jti-once"], TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(120));

        using var second = await _host.SendAsync(_host.Request(bearer: bearer));
        Assert.Equal(HttpStatusCode.Unauthorized, second.StatusCode);
        Assert.Contains("token replay detected", await second.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(1, await _host.MetricAsync("denials_jti_replay"));
        Assert.Single(_host.Upstream.Seen);

        var replay = Assert.Single(await _host.EventsAsync(), e => e.GetProperty("event_type").GetString() == "replay_detected");
        Assert.Equal("deny", replay.GetProperty("decision").GetString());
        Assert.Equal("anomaly", replay.GetProperty("evaluation_status").GetString());
        var metadata = replay.GetProperty("metadata_json");
        Assert.Equal("jti-once", metadata.GetProperty("jti").GetString());
        Assert.Equal("app-1", metadata.GetProperty("client_id").GetString());
        Assert.Equal(16, metadata.GetProperty("subject_fp").GetString()!.Length);
    }

    [Fact]
    public async Task Without_the_replay_store_nothing_is_forwarded()
    {
        _host.State.Down = true;
        using var response = await RefusedAsync(_host.Request(), 503, "sts_unavailable", "replay store unavailable", "denials_replay_unavailable");
        Assert.Equal("1", response.Headers.GetValues("Retry-After").Single());
        Assert.Equal(0, await _host.MetricAsync("denials_jti_replay"));
        Assert.Empty(_host.Sts.Exchanges);
    }

    [Fact]
    public async Task Failing_open_lets_a_request_through_while_the_replay_store_is_down()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { JtiFailOpen = true });
        host.State.Down = true;
        using var response = await host.SendAsync(host.Request());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Every_denial_names_its_request()
    {
        using var request = _host.Request();
        request.Headers.Remove("Authorization");
        request.Headers.TryAddWithoutValidation("X-Request-Id", "abc_1");
        using var response = await _host.SendAsync(request);
        Assert.Equal("abc_1", response.Headers.GetValues("X-Request-Id").Single());
        Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(
            """{"error":"invalid_token","error_description":"missing bearer token","requestId":"abc_1"}""",
            await response.Content.ReadAsStringAsync());
    }

    // gateway.md A1.
    [Fact]
    public async Task A_request_id_that_is_none_becomes_a_version_4_uuid()
    {
        using var request = _host.Request();
        request.Headers.TryAddWithoutValidation("X-Request-Id", "not visible");
        using var response = await _host.SendAsync(request);
        Assert.Equal(4, Guid.ParseExact(response.Headers.GetValues("X-Request-Id").Single(), "D").Version);
    }

    private async Task<HttpResponseMessage> RefusedAsync(HttpRequestMessage request, int status, string code, string description, string counter)
    {
        var response = await _host.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        using var body = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync());
        Assert.Equal(code, body.RootElement.GetProperty("error").GetString());
        Assert.Equal(description, body.RootElement.GetProperty("error_description").GetString());
        Assert.Equal(response.Headers.GetValues("X-Request-Id").Single(), body.RootElement.GetProperty("requestId").GetString());
        var metrics = await _host.MetricsAsync();
        Assert.Equal(1, metrics.GetProperty(counter).GetInt64());
        Assert.Equal(1, metrics.GetProperty("requests_denied").GetInt64());
        Assert.Empty(_host.Upstream.Seen);
        return response;
    }
}
