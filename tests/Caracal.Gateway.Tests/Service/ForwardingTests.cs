using System.Net;
using System.Text;
using Caracal.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Caracal.Gateway.Tests.Service;

/// <summary>Steps 16 to 20 over the wire with a real upstream.</summary>
public sealed class ForwardingTests : IAsyncLifetime
{
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Theory]
    [InlineData("http://169.254.169.254/")]
    [InlineData("http://[64:ff9b::a9fe:a9fe]/")]
    [InlineData("http://0.0.0.0/")]
    [InlineData("ftp://127.0.0.1/")]
    [InlineData("http://user@127.0.0.1/")]
    [InlineData("http://no-such-host.invalid/")]
    public async Task A_forbidden_upstream_is_502_and_audited(string url)
    {
        _host.Sts.Directive["url"] = url;
        await FailsAsync(502, "internal_error", "upstream not addressable", "upstream_not_addressable", "upstream_rejected");
    }

    [Fact]
    [Trait("requirement", "R85")]
    public async Task Loopback_is_forbidden_unless_private_upstreams_are_open()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { AllowPrivateUpstreams = false });
        using var response = await host.SendAsync(host.Request());
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Empty(host.Upstream.Seen);
    }

    [Fact]
    [Trait("requirement", "R86")]
    public async Task A_host_outside_the_allowlist_is_502()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { UpstreamHostAllowlist = ["api.example.com"] });
        using var response = await host.SendAsync(host.Request());
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Empty(host.Upstream.Seen);
    }

    [Fact]
    public async Task A_provider_credential_for_other_hosts_stays_here()
    {
        Provider("provider_oauth", "s3cret");
        _host.Sts.Directive["allowed_token_hosts"] = new[] { "api.example.com" };
        await FailsAsync(502, "internal_error", "provider credential not allowed for upstream host", "provider_host_not_allowed", "upstream_rejected");
    }

    [Fact]
    public async Task An_empty_provider_credential_fails_closed()
    {
        Provider("provider_oauth", "");
        await FailsAsync(502, "internal_error", "provider credential missing", "request_build_failed", "build_failed");
    }

    [Fact]
    public async Task A_forbidden_credential_header_is_a_build_error()
    {
        Provider("provider_oauth", "s3cret");
        _host.Sts.Directive["auth_header"] = "Host";
        await FailsAsync(400, "internal_error", "upstream request build failed", "request_build_failed", "build_failed");
    }

    [Fact]
    public async Task An_upstream_that_does_not_listen_is_502()
    {
        await _host.Upstream.StopAsync();
        await FailsAsync(502, "internal_error", "upstream unreachable", "transport_error", "upstream_error");
    }

    [Fact]
    public async Task An_upstream_that_sends_no_headers_in_time_is_504()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { UpstreamTimeout = TimeSpan.FromMilliseconds(200) });
        host.Upstream.Raw = http => Task.Delay(Timeout.Infinite, http.RequestAborted);
        using var response = await host.SendAsync(host.Request());
        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Contains("upstream timeout", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("transport_error", Call(await host.EventsAsync()).GetProperty("metadata_json").GetProperty("error_kind").GetString());
    }

    [Fact]
    public async Task A_caller_that_leaves_is_recorded_as_499()
    {
        var reached = new TaskCompletionSource();
        _host.Upstream.Raw = http =>
        {
            reached.SetResult();
            return Task.Delay(Timeout.Infinite, http.RequestAborted);
        };
        using var leave = new CancellationTokenSource();
        var sending = _host.Client.SendAsync(_host.Request(), leave.Token);
        await reached.Task;
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await GatewayHost.UntilAsync(async () => (await _host.EventsAsync()).Count == 1);
        Assert.Equal(499, Call(await _host.EventsAsync()).GetProperty("metadata_json").GetProperty("gateway_status").GetInt32());
    }

    [Fact]
    public async Task A_body_of_unknown_length_over_the_limit_is_413_and_audited()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { MaxRequestBytes = 100_000 });
        using var request = host.Request(method: HttpMethod.Post);
        request.Content = new StreamContent(new MemoryStream(new byte[100_001]));
        request.Headers.TransferEncodingChunked = true;
        using var response = await host.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains("RequestTooLarge", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(1, await host.MetricAsync("upstream_errors"));
        Assert.Equal("transport_error", Call(await host.EventsAsync()).GetProperty("metadata_json").GetProperty("error_kind").GetString());
    }

    [Fact]
    public async Task The_upstream_sees_the_mandate_and_nothing_of_ours()
    {
        using var request = _host.Request("/v1/items%20list?b=2&a=1");
        foreach (var (name, value) in new (string, string)[]
        {
            ("X-Caracal-Extra", "1"), ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Anything", "1"), ("Forwarded", "for=1.2.3.4"),
            ("X-Real-Ip", "1.2.3.4"), ("Keep-Alive", "5"), ("Te", "trailers"),
            ("Upgrade", "websocket"), ("Proxy-Authorization", "x"), ("Cookie", "a=1; b=2"), ("Accept-Encoding", "gzip"),
            ("baggage", "caracal.session=ar-1,tenant=a%20b%2Fc"), ("X-Request-Id", "req-7"), ("tracestate", "v=1"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        })
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        using var response = await _host.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("""{"ok":true}""", await response.Content.ReadAsStringAsync());

        var seen = Assert.Single(_host.Upstream.Seen);
        Assert.Equal("/v1/items%20list?b=2&a=1", seen.Target);
        Assert.Equal("Bearer resource.mandate.token", seen.Header("Authorization"));
        Assert.Equal("127.0.0.1", seen.Header("X-Forwarded-For"));
        Assert.Equal("http", seen.Header("X-Forwarded-Proto"));
        Assert.Equal(new Uri(_host.Address).Authority, seen.Header("X-Forwarded-Host"));
        Assert.Equal(_host.Upstream.Address.Authority, seen.Header("Host"));
        Assert.Equal("req-7", seen.Header("X-Request-Id"));
        Assert.Equal("tenant=a%20b%2Fc", seen.Header("baggage"));
        Assert.Equal("a=1; b=2", seen.Header("Cookie"));
        Assert.Equal("gzip", seen.Header("Accept-Encoding"));
        Assert.Equal("v=1", seen.Header("tracestate"));
        Assert.Equal("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", seen.Header("traceparent"));
        string[] ours = ["X-Real-Ip", "Forwarded", "Keep-Alive", "Te", "Upgrade", "Proxy-Authorization", "Connection"];
        Assert.DoesNotContain(seen.Headers.Keys, name =>
            ours.Contains(name, StringComparer.OrdinalIgnoreCase)
            || name.StartsWith("X-Caracal-", StringComparison.OrdinalIgnoreCase)
            || name is "X-Forwarded-Anything");
    }

    [Fact]
    public async Task Headers_that_any_connection_line_names_end_here()
    {
        await RawHttp.SendAsync(_host.Address, $"""
            GET /v1/items HTTP/1.1
            Host: gateway
            Authorization: Bearer {_host.Mandate()}
            X-Caracal-Resource: {GatewayHost.Resource}
            Connection: x-hop, keep-alive
            Connection: X-Second,close
            X-Hop: 1
            X-Second: 1
            X-Third: 1


            """);
        var seen = Assert.Single(_host.Upstream.Seen);
        Assert.Equal((null, null, "1"), (seen.Header("X-Hop"), seen.Header("X-Second"), seen.Header("X-Third")));
        Assert.Null(seen.Header("Connection"));
    }

    [Fact]
    public async Task A_key_provider_gets_its_key_and_the_callers_own_is_dropped()
    {
        Provider("provider_apikey", "s3cret");
        _host.Sts.Directive["auth_header"] = "X-Api-Key";
        _host.Sts.Directive["forward_caracal_identity"] = true;
        using var request = _host.Request();
        request.Headers.TryAddWithoutValidation("x-api-key", "mine");
        request.Headers.TryAddWithoutValidation("traceparent", "rubbish");
        request.Headers.TryAddWithoutValidation("tracestate", "v=1");
        using var response = await _host.SendAsync(request);
        var seen = Assert.Single(_host.Upstream.Seen);
        Assert.Equal("s3cret", seen.Header("X-Api-Key"));
        Assert.Null(seen.Header("Authorization"));
        Assert.Equal("resource.mandate.token", seen.Header("X-Caracal-Identity"));
        Assert.NotEqual("rubbish", seen.Header("traceparent"));
        Assert.Null(seen.Header("tracestate"));
    }

    // An upstream that joins "_" and "-", as CGI and WSGI do, would take them for ours.
    [Fact]
    public async Task Names_that_mean_ours_once_underscores_become_hyphens_end_here()
    {
        Provider("provider_apikey", "s3cret");
        _host.Sts.Directive["auth_header"] = "X-Api-Key";
        using var request = _host.Request();
        string[] forged =
        [
            "X_Caracal_Identity", "x-caracal_identity", "X_Forwarded_For", "X_Forwarded-Host", "X_Real_Ip", "X_Request_Id", "X_Api_Key",
            "Proxy_Authorization", "Content_Length", "Transfer_Encoding",
        ];
        foreach (var name in forged)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, "1"));
        }

        request.Headers.TryAddWithoutValidation("X_Plain", "1");
        using var response = await _host.SendAsync(request);
        var seen = Assert.Single(_host.Upstream.Seen);
        Assert.All(forged, name => Assert.Null(seen.Header(name)));
        Assert.Equal(("1", "s3cret"), (seen.Header("X_Plain"), seen.Header("X-Api-Key")));
    }

    // The answer to TRACE repeats the request, and with it the provider's credential.
    [Theory]
    [InlineData("X-HTTP-Method-Override", "DELETE", "/v1/items")]
    [InlineData("X-Original-URL", "/admin", "/v1/items")]
    [InlineData("X-Fine", "x", "/v1/items?_method=DELETE")]
    public async Task What_names_another_operation_is_not_forwarded_where_operations_are_enforced(string name, string value, string target)
    {
        using var refused = _host.Request(target, method: HttpMethod.Post);
        refused.Headers.TryAddWithoutValidation(name, value);
        using var answer = await _host.SendAsync(refused);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Empty(_host.Upstream.Seen);
        Assert.Equal("request_build_failed", Call(await _host.EventsAsync()).GetProperty("metadata_json").GetProperty("error_kind").GetString());

        _host.Sts.Directive["operations_enforced"] = false;
        using var passed = _host.Request(target, method: HttpMethod.Post);
        passed.Headers.TryAddWithoutValidation(name, value);
        using var uniform = await _host.SendAsync(passed);
        Assert.Equal(HttpStatusCode.OK, uniform.StatusCode);
        Assert.Equal(value, Assert.Single(_host.Upstream.Seen).Header(name));
    }

    [Theory]
    [InlineData("TRACE")]
    [InlineData("trace")]
    [InlineData("TRACK")]
    public async Task A_method_that_echoes_the_credential_is_not_forwarded(string method)
    {
        Provider("provider_oauth", "s3cret");
        var answer = await RawHttp.SendAsync(_host.Address, $"""
            {method} /v1/items HTTP/1.1
            Host: gateway
            Authorization: Bearer {_host.Mandate()}
            X-Caracal-Resource: {GatewayHost.Resource}
            Connection: close


            """);
        Assert.Contains(" 400 ", answer, StringComparison.Ordinal);
        Assert.Contains("upstream request build failed", answer, StringComparison.Ordinal);
        Assert.Empty(_host.Upstream.Seen);
        Assert.Equal("build_failed", Call(await _host.EventsAsync()).GetProperty("evaluation_status").GetString());
    }

    [Fact]
    public async Task A_query_key_replaces_the_callers()
    {
        Provider("provider_apikey", "s3 cret");
        _host.Sts.Directive["auth_location"] = "query";
        _host.Sts.Directive["query_param_name"] = "key";
        using var response = await _host.SendAsync(_host.Request("/x?key=mine&a=1"));
        Assert.Equal("/x?a=1&key=s3%20cret", Assert.Single(_host.Upstream.Seen).Target);
        Assert.DoesNotContain("s3", _host.Log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_known_length_is_kept_on_the_way_up_and_down()
    {
        using var request = _host.Request(method: HttpMethod.Put);
        request.Content = new StringContent("hello", Encoding.UTF8, "text/x-note");
        using var response = await _host.SendAsync(request);
        var seen = Assert.Single(_host.Upstream.Seen);
        Assert.Equal(("PUT", "5", "hello"), (seen.Method, seen.Header("Content-Length"), Encoding.UTF8.GetString(seen.Body)));
        Assert.Equal("text/x-note; charset=utf-8", seen.Header("Content-Type"));
        Assert.Null(seen.Header("Transfer-Encoding"));
        Assert.Equal(11, response.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task Large_bodies_stream_both_ways_unchanged()
    {
        var bytes = new byte[3_000_000];
        Random.Shared.NextBytes(bytes);
        _host.Upstream.Answer = http => http.Response.Body.WriteAsync(bytes).AsTask();
        using var request = _host.Request(method: HttpMethod.Post);
        request.Content = new StreamContent(new MemoryStream(bytes));
        request.Headers.TransferEncodingChunked = true;
        using var response = await _host.SendAsync(request);
        Assert.Equal(bytes, await response.Content.ReadAsByteArrayAsync());
        Assert.Equal(bytes, Assert.Single(_host.Upstream.Seen).Body);
        var metadata = Call(await _host.EventsAsync()).GetProperty("metadata_json");
        Assert.Equal(bytes.Length, metadata.GetProperty("response_bytes").GetInt64());
    }

    [Fact]
    public async Task The_answer_loses_what_must_not_leave()
    {
        _host.Upstream.Answer = http =>
        {
            var headers = http.Response.Headers;
            headers["Server"] = "nginx";
            headers["X-Powered-By"] = "php";
            headers["X-Caracal-Token-Expires-In"] = "9999";
            headers["X-Caracal-Identity"] = "forged";
            headers["X-Request-Id"] = "theirs";
            headers["Alt-Svc"] = "h3=\":443\"";
            headers["Refresh"] = "0;url=https://evil";
            headers["Connection"] = "X-Gone";
            headers["X-Gone"] = "1";
            headers["Location"] = "https://evil.example/";
            headers["Set-Cookie"] = new[] { "a=1", "b=2" };
            headers["ETag"] = "\"7\"";
            http.Response.StatusCode = 302;
            return Task.CompletedTask;
        };
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        foreach (var gone in (string[])["Server", "X-Powered-By", "X-Caracal-Identity", "Alt-Svc", "Refresh", "X-Gone", "Location"])
        {
            Assert.False(response.Headers.Contains(gone), gone);
        }

        Assert.NotEqual("theirs", response.Headers.GetValues("X-Request-Id").Single());
        Assert.InRange(int.Parse(response.Headers.GetValues("X-Caracal-Token-Expires-In").Single()), 100, 120);
        Assert.Equal("X-Caracal-Revoked", response.Headers.GetValues("Trailer").Single());
        Assert.Equal(["a=1", "b=2"], response.Headers.GetValues("Set-Cookie"));
        Assert.Equal("\"7\"", response.Headers.ETag!.Tag);
        Assert.Single(_host.Upstream.Seen);
    }

    [Fact]
    public async Task A_relative_location_stays()
    {
        _host.Upstream.Answer = http =>
        {
            http.Response.StatusCode = 303;
            http.Response.Headers.Location = "/v1/items/7";
            return Task.CompletedTask;
        };
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal("/v1/items/7", response.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task A_credential_in_the_query_is_not_read_in_the_answer()
    {
        (_host.Sts.Directive["auth_mode"], _host.Sts.Directive["auth_location"]) = ("provider_apikey", "query");
        (_host.Sts.Directive["query_param_name"], _host.Sts.Directive["provider_token"]) = ("api_key", "se/cret+value");
        _host.Upstream.Answer = http =>
        {
            http.Response.StatusCode = 301;
            http.Response.Headers.Location = $"{http.Request.Path}/{http.Request.QueryString}#top";
            http.Response.Headers.ContentLocation = $"/items{http.Request.QueryString}";
            http.Response.Headers.Link = $"</items{http.Request.QueryString}>; rel=self";
            http.Response.Headers["X-Debug"] = new[] { "key se/cret+value", "page 2" };
            return Task.CompletedTask;
        };
        using var response = await _host.SendAsync(_host.Request("/v1/items?page=2"));
        Assert.Equal("?page=2&api_key=se%2Fcret%2Bvalue", new Uri("http://u" + Assert.Single(_host.Upstream.Seen).Target).Query);
        Assert.Equal("/v1/items/?page=2#top", response.Headers.Location!.OriginalString);
        Assert.Equal("/items?page=2", response.Content.Headers.ContentLocation!.OriginalString);
        Assert.False(response.Headers.Contains("Link"));
        Assert.Equal("page 2", response.Headers.GetValues("X-Debug").Single());
    }

    [Theory]
    [InlineData("HEAD", 200)]
    [InlineData("DELETE", 204)]
    [InlineData("GET", 304)]
    [InlineData("OPTIONS", 404)]
    public async Task Answers_without_a_body_arrive_as_they_are(string method, int status)
    {
        _host.Upstream.Answer = http =>
        {
            http.Response.StatusCode = status;
            if (method == "HEAD")
            {
                http.Response.ContentLength = 42;
            }

            return Task.CompletedTask;
        };
        using var response = await _host.SendAsync(_host.Request(method: new HttpMethod(method)));
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal(method, Assert.Single(_host.Upstream.Seen).Method);
    }

    [Fact]
    public async Task Upstream_trailers_arrive()
    {
        _host.Upstream.Answer = http =>
        {
            http.Response.Headers.TransferEncoding = "chunked";
            return http.Response.Body.WriteAsync("4\r\nbody\r\n0\r\nX-Checksum: 42\r\nServer: x\r\n\r\n"u8.ToArray()).AsTask();
        };
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal("body", await response.Content.ReadAsStringAsync());
        Assert.Equal("42", response.TrailingHeaders.GetValues("X-Checksum").Single());
        Assert.False(response.TrailingHeaders.Contains("Server"));
    }

    [Fact]
    public async Task An_answer_cut_short_upstream_is_cut_short_here()
    {
        var arrived = new TaskCompletionSource();
        _host.Upstream.Answer = async http =>
        {
            await http.Response.WriteAsync("half");
            await http.Response.Body.FlushAsync();
            await arrived.Task;
            http.Abort();
        };
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        arrived.SetResult();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync());
        var metadata = Call(await _host.EventsAsync()).GetProperty("metadata_json");
        Assert.Equal("response_copy_failed", metadata.GetProperty("error_kind").GetString());
        Assert.Equal(1, await _host.MetricAsync("upstream_errors"));
    }

    [Fact]
    public async Task A_good_call_leaves_one_event_with_all_its_members()
    {
        _host.Sts.Directive["provider_id"] = "prov-1";
        _host.Sts.Directive["connection_id"] = "conn-1";
        using var response = await _host.SendAsync(_host.Request("/v1/items?secret=query"));
        await response.Content.ReadAsStringAsync();
        var recorded = Call(await _host.EventsAsync());
        Assert.Equal(("zone-1", "allow", "executed"), (
            recorded.GetProperty("zone_id").GetString(), recorded.GetProperty("decision").GetString(),
            recorded.GetProperty("evaluation_status").GetString()));
        Assert.Equal(response.Headers.GetValues("X-Request-Id").Single(), recorded.GetProperty("request_id").GetString());
        Assert.Equal("[]", recorded.GetProperty("determining_policies_json").GetRawText());
        var metadata = recorded.GetProperty("metadata_json");
        Assert.Equal(
            [
                "application_id", "auth_mode", "connection_id", "gateway_status", "latency_ms", "method", "provider_id", "resource",
                "response_bytes", "result_class", "subject_fingerprint", "subject_kind", "trace_id", "upstream_host", "upstream_status",
            ],
            metadata.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal));
        Assert.Equal(("success", "application", "127.0.0.1"), (
            metadata.GetProperty("result_class").GetString(), metadata.GetProperty("subject_kind").GetString(),
            metadata.GetProperty("upstream_host").GetString()));
        Assert.DoesNotContain("query", recorded.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(1, await _host.MetricAsync("requests_allowed"));
        Assert.Equal(0, await _host.MetricAsync("requests_denied"));
    }

    [Fact]
    public async Task Events_wait_in_the_journal_while_their_sink_is_down_and_drain_when_it_is_back()
    {
        _host.Audit.Fails = true;
        for (var i = 0; i < 3; i++)
        {
            using var answer = await _host.SendAsync(_host.Request());
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        Assert.True(await _host.MetricAsync("audit_replay_bytes") > 0);
        Assert.Empty(_host.Audit.Events);
        Assert.All(
            Directory.GetFiles(_host.AuditFolder, "*", SearchOption.AllDirectories),
            file => Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(file) == (UnixFileMode.UserRead | UnixFileMode.UserWrite)));

        _host.Audit.Fails = false;
        await GatewayHost.UntilAsync(() => Task.FromResult(_host.Audit.Events.Count >= 3));
        Assert.Equal(3, _host.Audit.Events.Select(recorded => recorded.GetProperty("id").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task A_call_whose_evidence_cannot_be_kept_is_not_answered_as_if_it_had_been()
    {
        await using var host = await GatewayHost.StartAsync(evidenceFails: true);
        using var response = await host.SendAsync(host.Request());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("audit evidence unavailable", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(0, await host.MetricAsync("requests_allowed"));
        Assert.True(await host.MetricAsync("audit_dropped") > 0);
        using var ready = await host.Client.GetAsync(host.Address + "/ready");
        Assert.NotEmpty(await host.LinesAsync("audit_events_lost"));
        Assert.Contains("audit_evidence_lost", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_answer_whose_evidence_cannot_be_kept_is_visibly_cut()
    {
        await using var host = await GatewayHost.StartAsync(evidenceFails: true);
        host.Upstream.Answer = http => http.Response.Body.WriteAsync(new byte[1_000_000]).AsTask();
        using var response = await host.SendAsync(host.Request());
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task An_upstream_that_answers_before_it_has_read_the_body_is_relayed()
    {
        _host.Upstream.Raw = async http =>
        {
            http.Response.StatusCode = 401;
            http.Response.ContentLength = 2;
            await http.Response.WriteAsync("no");
        };
        using var request = _host.Request(method: HttpMethod.Post);
        request.Content = new ByteArrayContent(new byte[5_000_000]);
        using var response = await _host.SendAsync(request);
        Assert.Contains((int)response.StatusCode, (int[])[401, 502]);
        using var next = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.Unauthorized, next.StatusCode);
    }

    private void Provider(string mode, string token)
    {
        _host.Sts.Directive["auth_mode"] = mode;
        _host.Sts.Directive["provider_token"] = token;
    }

    private async Task FailsAsync(int status, string code, string description, string errorKind, string evaluation)
    {
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(status, (int)response.StatusCode);
        var body = await response.Content.ReadAsStringAsync();
        Assert.Contains($"\"error\":\"{code}\"", body, StringComparison.Ordinal);
        Assert.Contains(description, body, StringComparison.Ordinal);
        var recorded = Call(await _host.EventsAsync());
        Assert.Equal(evaluation, recorded.GetProperty("evaluation_status").GetString());
        Assert.Equal(errorKind, recorded.GetProperty("metadata_json").GetProperty("error_kind").GetString());
        Assert.Equal(status, recorded.GetProperty("metadata_json").GetProperty("gateway_status").GetInt32());
        Assert.Equal(1, await _host.MetricAsync("upstream_errors"));
        Assert.Equal(0, await _host.MetricAsync("requests_denied"));
        Assert.Empty(_host.Upstream.Seen);
    }

    private static System.Text.Json.JsonElement Call(IReadOnlyList<System.Text.Json.JsonElement> events) =>
        Assert.Single(events, e => e.GetProperty("event_type").GetString() == "gateway_resource_request");
}
