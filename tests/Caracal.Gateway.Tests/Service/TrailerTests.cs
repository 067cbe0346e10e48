using System.Net;
using System.Net.Sockets;
using System.Text;
using Caracal.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Caracal.Gateway.Tests.Service;

/// <summary>Behind a body nothing stands that could have been a header: of a request trailers end here, of an answer most pass.</summary>
public sealed class TrailerTests : IAsyncLifetime
{
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Theory]
    [InlineData("X-Checksum: abc\n", true)]
    [InlineData("X-Caracal-Resource: resource://smuggled\nAuthorization: Bearer smuggled\nX-HTTP-Method-Override: DELETE\n", true)]
    [InlineData("Content-Length: 100\nTransfer-Encoding: chunked\nHost: smuggled\n", true)]
    [InlineData("Cookie: smuggled=1\nX-Forwarded-For: 6.6.6.6\n", true)]
    [InlineData("no colon\n", false)]
    [InlineData("X A: b\n", false)]
    [InlineData(" folded: b\n", false)]
    [InlineData("{huge}", false)]
    public async Task Trailers_of_a_request_end_here(string trailers, bool arrives)
    {
        var declared = "";
        _host.Upstream.Answer = http =>
        {
            declared = http.Request.Headers.Trailer.ToString() + string.Concat(
                http.Features.Get<IHttpRequestTrailersFeature>() is { Available: true } found ? found.Trailers.Keys : []);
            return Task.CompletedTask;
        };
        var huge = string.Concat(Enumerable.Range(0, 300).Select(i => $"X-{i}: {new string('x', 100)}\n"));
        var answer = await RawHttp.SendAsync(_host.Address, $"""
            POST /v1/items HTTP/1.1
            Host: gateway
            Connection: close
            Authorization: Bearer {_host.Mandate()}
            X-Caracal-Resource: {GatewayHost.Resource}
            Trailer: X-Checksum
            Transfer-Encoding: chunked

            5
            hello
            0
            {trailers.Replace("{huge}", huge, StringComparison.Ordinal)}

            """);
        Assert.StartsWith(arrives ? "HTTP/1.1 200 " : "HTTP/1.1 4", answer, StringComparison.Ordinal);
        Assert.Equal(arrives ? 1 : 0, _host.Upstream.Seen.Count);
        Assert.Equal("", declared);
        Assert.All(_host.Upstream.Seen, seen =>
        {
            Assert.Equal(("POST", "/v1/items", "hello"), (seen.Method, seen.Target, Encoding.ASCII.GetString(seen.Body)));
            Assert.Equal("127.0.0.1", seen.Header("X-Forwarded-For"));
            Assert.Null(seen.Header("X-Checksum"));
            Assert.DoesNotContain("smuggled", string.Concat(seen.Headers.SelectMany(header => header.Value)), StringComparison.Ordinal);
        });
        Assert.All(_host.Sts.Exchanges, exchange => Assert.Equal(GatewayHost.Resource, exchange["resource"].ToString()));
    }

    [Theory]
    [InlineData("X-Caracal-Revoked", "true")]
    [InlineData("X-Caracal-Receipt", "forged")]
    [InlineData("Location", "https://evil.example")]
    [InlineData("Set-Cookie", "a=1")]
    [InlineData("WWW-Authenticate", "Basic")]
    [InlineData("Cache-Control", "public")]
    public async Task A_trailer_of_an_answer_cannot_say_what_only_a_header_may(string name, string value)
    {
        using var upstream = new TrailingUpstream($"{name}: {value}\r\nX-Checksum: abc\r\n");
        _host.Sts.Directive["url"] = upstream.Url;
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal("data: 1\n\n", await response.Content.ReadAsStringAsync());
        Assert.Equal(["X-Checksum"], response.TrailingHeaders.Select(header => header.Key));
    }

    /// <summary>Answers every connection with one event and the given trailers.</summary>
    private sealed class TrailingUpstream : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public TrailingUpstream(string trailers)
        {
            _listener.Start();
            _ = ServeAsync($"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n0\r\n{trailers}\r\n");
        }

        public string Url => $"http://{_listener.LocalEndpoint}/";

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync(string answer)
        {
            try
            {
                using var connection = await _listener.AcceptTcpClientAsync();
                var stream = connection.GetStream();
                _ = await stream.ReadAsync(new byte[16 * 1024]);
                await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
            }
            catch (Exception fault) when (fault is SocketException or ObjectDisposedException or IOException)
            {
                // The test is over.
            }
        }
    }
}
