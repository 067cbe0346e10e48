using System.Net;
using System.Net.Sockets;
using System.Text;
using Caracal.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Tests.Service;

/// <summary>What somebody tries who holds a mandate and wants more from it, or who holds none.</summary>
public sealed class AttackTests : IAsyncLifetime
{
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Two_mandates_in_one_request_are_refused_and_neither_is_spent()
    {
        var (one, two) = (_host.Mandate(), _host.Mandate());
        Assert.StartsWith("HTTP/1.1 401 ", await RawAsync($"Authorization: Bearer {one}\nAuthorization: Bearer {two}\nX-Caracal-Resource: {GatewayHost.Resource}\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 401 ", await RawAsync($"Authorization: Basic eDp5\nAuthorization: Bearer {one}\nX-Caracal-Resource: {GatewayHost.Resource}\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 401 ", await RawAsync($"Authorization: Bearer {one}, Bearer {two}\nX-Caracal-Resource: {GatewayHost.Resource}\n"), StringComparison.Ordinal);
        Assert.Empty(_host.Sts.Exchanges);
        Assert.Empty(_host.State.Marked);
    }

    [Fact]
    public async Task Two_resources_in_one_request_are_refused()
    {
        var answer = await RawAsync($"Authorization: Bearer {_host.Mandate()}\nX-Caracal-Resource: {GatewayHost.Resource}\nX-Caracal-Resource: resource://other\n");
        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Empty(_host.Sts.Exchanges);
    }

    [Fact]
    public async Task A_mandate_anywhere_but_in_its_header_is_none()
    {
        using var inQuery = _host.Request($"/v1/items?access_token={_host.Mandate()}");
        inQuery.Headers.Remove("Authorization");
        using var inForm = _host.Request(method: HttpMethod.Post);
        inForm.Headers.Remove("Authorization");
        inForm.Content = new FormUrlEncodedContent([new("access_token", _host.Mandate())]);
        using var inCookie = _host.Request();
        inCookie.Headers.Remove("Authorization");
        inCookie.Headers.TryAddWithoutValidation("Cookie", $"access_token={_host.Mandate()}");
        foreach (var request in new[] { inQuery, inForm, inCookie })
        {
            using var response = await _host.SendAsync(request);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }

        Assert.Empty(_host.Upstream.Seen);
    }

    [Fact]
    public async Task A_connection_option_takes_nothing_of_ours_away()
    {
        _host.Sts.Directive["auth_mode"] = "provider_apikey";
        _host.Sts.Directive["auth_header"] = "X-Api-Key";
        _host.Sts.Directive["provider_token"] = "real-key";
        using var request = _host.Request();
        request.Headers.TryAddWithoutValidation(
            "Connection", "X-Api-Key, Authorization, Host, X-Request-Id, traceparent, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, X-Caracal-Resource");
        using var response = await _host.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var seen = Assert.Single(_host.Upstream.Seen);
        Assert.Equal("real-key", seen.Header("X-Api-Key"));
        Assert.All(["Host", "X-Request-Id", "traceparent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"], name => Assert.NotNull(seen.Header(name)));
    }

    [Fact]
    public async Task An_upgrade_to_HTTP2_in_the_clear_is_no_tunnel_and_no_proxy_is_named()
    {
        var answer = await RawAsync($"""
            Authorization: Bearer {_host.Mandate()}
            X-Caracal-Resource: {GatewayHost.Resource}
            Connection: Upgrade
            Upgrade: h2c
            HTTP2-Settings: AAMAAABkAAQAAP__
            Proxy: http://evil.example

            """);
        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        var seen = Assert.Single(_host.Upstream.Seen);
        Assert.All(["Upgrade", "HTTP2-Settings", "Proxy", "Connection"], name => Assert.Null(seen.Header(name)));
    }

    [Theory]
    [InlineData("Content-Length: 40\n")]
    [InlineData("Transfer-Encoding: chunked\n")]
    [InlineData("Sec-WebSocket-Version: 777\n")]
    [InlineData("")]
    public async Task Behind_a_handshake_that_was_not_accepted_no_byte_goes_through_ungoverned(string header)
    {
        _host.Upstream.Answer = http =>
        {
            http.Response.StatusCode = 426;
            return Task.CompletedTask;
        };
        var answer = await RawAsync($"""
            Authorization: Bearer {_host.Mandate()}
            X-Caracal-Resource: {GatewayHost.Resource}
            Connection: Upgrade
            Upgrade: websocket
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
            {header}
            """, "GET /smuggled HTTP/1.1\nHost: x\nConnection: close\n\n", close: false);
        Assert.True(_host.Upstream.Seen.Count <= 1);
        Assert.All(_host.Upstream.Seen, seen => Assert.Equal("/v1/items", seen.Target)); // with a length, what follows is a body
        Assert.DoesNotContain("HTTP/1.1 200", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tenant=b")]
    [InlineData("TENANT=b")]
    [InlineData("%20tenant=b")]
    [InlineData("+tenant=b")]
    [InlineData("tenant%00x=b")]
    [InlineData("tenant[]=b")]
    [InlineData("tenant%5B0%5D=b")]
    [InlineData("%74enant=b")]
    [InlineData("api.key=b")]
    [InlineData("api+key=b")]
    [InlineData("api[key=b")]
    [InlineData("ids%5Bx%5D=9")]
    [InlineData("[tenant]=b")]
    [InlineData("]tenant=b")]
    [InlineData("tenant]=b")]
    [InlineData("%5B%5Btenant=b")]
    [InlineData("ids%5Bx%5Dy=9")]
    [InlineData("ids%5B+x%5D=9")]
    [InlineData("ids=9")]
    public async Task No_spelling_of_a_key_gets_past_the_configured_query(string pollution)
    {
        _host.Sts.Directive["url"] = $"{_host.Upstream.Address}?tenant=a&api_key=k&ids[x]=1";
        using var response = await _host.SendAsync(_host.Request($"/v1/items?{pollution}&ids2=1&tenants=c&{pollution}"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("/v1/items?tenant=a&api_key=k&ids[x]=1&ids2=1&tenants=c", Assert.Single(_host.Upstream.Seen).Target);
    }

    [Theory]
    [InlineData("auth_header", "X-Key\r\nX-Evil")]
    [InlineData("auth_header", "X Key")]
    [InlineData("auth_header", "Transfer-Encoding")]
    [InlineData("auth_header", "X-Forwarded-For")]
    [InlineData("auth_scheme", "Token\r\nX-Evil: 1\r\nX:")]
    [InlineData("provider_token", "key\r\nX-Evil: 1")]
    [InlineData("provider_token", "key\nX-Evil: 1")]
    [InlineData("provider_token", "key\0")]
    public async Task A_credential_cannot_write_a_header_of_its_own(string member, string value)
    {
        _host.Sts.Directive["auth_mode"] = "provider_apikey";
        _host.Sts.Directive["provider_token"] = "key";
        _host.Sts.Directive[member] = value;
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Empty(_host.Upstream.Seen);
    }

    [Fact]
    public async Task A_credential_in_the_query_is_one_value_and_nobody_adds_another()
    {
        _host.Sts.Directive["auth_mode"] = "provider_apikey";
        _host.Sts.Directive["auth_location"] = "query";
        _host.Sts.Directive["query_param_name"] = "k&admin";
        _host.Sts.Directive["provider_token"] = "a&b=c#d\r\n";
        using var response = await _host.SendAsync(_host.Request("/v1/items?x=1&K%26ADMIN=mine"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("/v1/items?x=1&k%26admin=a%26b%3Dc%23d%0D%0A", Assert.Single(_host.Upstream.Seen).Target);
    }

    [Theory]
    [InlineData("/v1/items;jsessionid=1", "/v1/items;jsessionid=1", "/v1/items;jsessionid=1")]
    [InlineData("/v1%2Fitems", "/v1/items", "/v1/items")]
    [InlineData("/v1%252Fitems", "/v1%2Fitems", "/v1%252Fitems")]
    [InlineData("/v1/items%3Fa=1", "/v1/items?a=1", "/v1/items%3Fa=1")]
    [InlineData("/v1/items%23a", "/v1/items#a", "/v1/items%23a")]
    [InlineData("//evil.example/v1/items", "//evil.example/v1/items", "//evil.example/v1/items")]
    [InlineData("/@evil.example/", "/@evil.example/", "/@evil.example/")]
    public async Task The_path_that_was_authorised_is_the_path_that_is_called(string sent, string authorised, string called)
    {
        using var answer = new StringReader(await RawHttp.SendAsync(_host.Address, $"""
            GET {sent} HTTP/1.1
            Host: gateway
            Connection: close
            Authorization: Bearer {_host.Mandate()}
            X-Caracal-Resource: {GatewayHost.Resource}


            """));
        Assert.StartsWith("HTTP/1.1 200 ", answer.ReadLine(), StringComparison.Ordinal);
        Assert.Equal(authorised, Assert.Single(_host.Sts.Exchanges)["request_path"].ToString());
        Assert.Equal(called, Assert.Single(_host.Upstream.Seen).Target);
    }

    [Fact]
    public async Task One_mandate_presented_by_many_at_once_is_spent_once()
    {
        var bearer = _host.Mandate();
        var statuses = await Task.WhenAll(Enumerable.Range(0, 32).Select(async _ =>
        {
            using var response = await _host.SendAsync(_host.Request(bearer: bearer));
            return (int)response.StatusCode;
        }));
        Assert.Equal(1, statuses.Count(status => status == 200));
        Assert.Equal(31, statuses.Count(status => status == 401));
        Assert.Single(_host.Upstream.Seen);
    }

    [Fact]
    public async Task A_body_that_drips_is_given_up_after_the_read_timeout()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { ReadTimeout = TimeSpan.FromMilliseconds(300) });
        using var client = new TcpClient();
        var url = new Uri(host.Address);
        await client.ConnectAsync(url.Host, url.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/items HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {host.Mandate()}\r\nX-Caracal-Resource: {GatewayHost.Resource}\r\nContent-Length: 1000\r\n\r\nfirst"));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var answer = new byte[12];
        await stream.ReadExactlyAsync(answer, limit.Token);
        Assert.Equal("HTTP/1.1 504", Encoding.ASCII.GetString(answer));
    }

    [Fact]
    public async Task Who_is_refused_hears_it_before_the_body_is_there()
    {
        using var client = new TcpClient();
        var url = new Uri(_host.Address);
        await client.ConnectAsync(url.Host, url.Port);
        var stream = client.GetStream();
        await stream.WriteAsync("POST /v1/items HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1000000\r\n\r\n"u8.ToArray());
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        var answer = new byte[12];
        await stream.ReadExactlyAsync(answer, limit.Token);
        Assert.Equal("HTTP/1.1 401", Encoding.ASCII.GetString(answer));
    }

    private Task<string> RawAsync(string headers, string behind = "", bool close = true) =>
        RawHttp.SendAsync(_host.Address, $"GET /v1/items HTTP/1.1\nHost: gateway\n{(close ? "Connection: close\n" : "")}{headers}\n{behind}");
}
