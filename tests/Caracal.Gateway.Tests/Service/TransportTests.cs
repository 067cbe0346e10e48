using System.Net;
using System.Net.Sockets;
using System.Text;
using Caracal.Gateway.Tests.Support;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.TestKit;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Tests.Service;

/// <summary>What only shows on the connection itself: TLS and HTTP/2 in front, connections that die behind.</summary>
public sealed class TransportTests
{
    [Fact]
    public async Task Over_HTTP2_a_revoked_stream_ends_with_the_trailer()
    {
        using var folder = new CertificateFolder();
        await using var host = await GatewayHost.StartAsync(settings => settings with
        {
            Listen = new ListenSettings { Host = "127.0.0.1", Port = 0, CertificateFile = folder.Certificate, KeyFile = folder.Key },
        });
        host.Upstream.Answer = async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("data: 1\n\n");
            await http.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, http.RequestAborted);
        };
        using var client = Trusting(folder.Thumbprint);
        using var request = host.Request();
        request.Version = HttpVersion.Version20;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal((HttpStatusCode.OK, HttpVersion.Version20), (response.StatusCode, response.Version));
        var stream = await response.Content.ReadAsStreamAsync();
        await stream.ReadExactlyAsync(new byte[9]);
        Assert.Equal("https", Assert.Single(host.Upstream.Seen).Header("X-Forwarded-Proto"));

        await host.PublishAsync(Topics.SessionsRevoke, host.StreamKeys, ("zone_id", "zone-1"), ("sid", "ar-1"));
        Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(2)));
        Assert.Equal("true", response.TrailingHeaders.GetValues("X-Caracal-Revoked").Single());
    }

    [Fact]
    public async Task A_change_is_never_sent_twice_when_a_kept_connection_dies()
    {
        await using var host = await GatewayHost.StartAsync();
        using var upstream = new DyingUpstream();
        host.Sts.Directive["url"] = upstream.Url;
        using var first = await host.SendAsync(host.Request());
        Assert.Equal("ok", await first.Content.ReadAsStringAsync());

        using var second = await host.SendAsync(host.Request(method: HttpMethod.Delete));
        Assert.Equal(HttpStatusCode.BadGateway, second.StatusCode);
        Assert.Equal(["GET", "DELETE"], upstream.Methods);
    }

    [Fact]
    public async Task A_caller_that_takes_nothing_of_its_answer_holds_a_call_for_the_write_timeout_only()
    {
        using var folder = new CertificateFolder();
        await using var host = await GatewayHost.StartAsync(settings => settings with
        {
            WriteTimeout = TimeSpan.FromMilliseconds(500),
            Listen = new ListenSettings { Host = "127.0.0.1", Port = 0, CertificateFile = folder.Certificate, KeyFile = folder.Key },
        });
        host.Upstream.Answer = http =>
        {
            http.Response.ContentLength = 15 * 1024; // less than is ever sent before the end
            return http.Response.Body.WriteAsync(new byte[15 * 1024]).AsTask();
        };
        await using var connection = await RawHttp2.ConnectAsync(host.Address, window: 0);
        await connection.HeadersAsync(
            1, end: true, (":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/v1/items"),
            ("authorization", $"Bearer {host.Mandate()}"), ("x-caracal-resource", GatewayHost.Resource));
        Assert.Equal(200, await connection.StatusAsync(1));
        await connection.ResetAsync(1, TimeSpan.FromSeconds(5));
    }

    // What it was asked to do is done, so the call needs its event and its answer, whatever the headers look like.
    [Theory]
    [InlineData("X-Odd: a\u0001b\r\nX-Plain: yes\r\nContent-Length: 2\r\n")]
    [InlineData("X-Odd: a\u007fb\r\nX-Plain: yes\r\nContent-Length: 2\r\n")]
    [InlineData("X-Plain: yes\r\nContent-Length: 2\r\nContent-Length: 2\r\n")]
    [InlineData("X-Plain: yes\r\nContent-Length: two\r\n")]
    [InlineData("X-Plain: yes\r\nContent-Length: 2\r\nConnection: Content-Length\r\n")]
    public async Task An_answer_with_headers_that_nobody_can_relay_is_recorded_and_relayed_without_them(string headers)
    {
        await using var host = await GatewayHost.StartAsync();
        using var upstream = new DyingUpstream(headers);
        host.Sts.Directive["url"] = upstream.Url;
        using var response = await host.SendAsync(host.Request());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("ok", await response.Content.ReadAsStringAsync());
        Assert.Equal("yes", response.Headers.GetValues("X-Plain").Single());
        Assert.False(response.Headers.Contains("X-Odd"));
        Assert.Equal(200, Assert.Single(await host.EventsAsync()).GetProperty("metadata_json").GetProperty("upstream_status").GetInt32());
    }

    [Fact]
    public async Task An_upstream_that_promises_a_body_and_stays_silent_is_cut_after_the_idle_time()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { StreamIdleTimeout = TimeSpan.FromMilliseconds(200) });
        host.Upstream.Answer = async http =>
        {
            await http.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, http.RequestAborted);
        };
        using var response = await host.SendAsync(host.Request());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task An_old_client_gets_the_body_until_the_connection_ends()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Upstream.Answer = http => http.Response.WriteAsync("plain");
        var answer = await RawHttp.SendAsync(host.Address, $"""
            GET /v1/items HTTP/1.0
            Host: gateway
            Authorization: Bearer {host.Mandate()}
            X-Caracal-Resource: {GatewayHost.Resource}


            """);
        Assert.EndsWith("\r\n\r\nplain", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("chunked", answer, StringComparison.OrdinalIgnoreCase);
    }

    private static HttpClient Trusting(string thumbprint) => new(new SocketsHttpHandler
    {
        SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.GetCertHashString() == thumbprint },
    });

    /// <summary>Answers the first request of a connection and drops the connection at the second, or at once where its headers are the test's.</summary>
    private sealed class DyingUpstream : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly List<string> _methods = [];
        private readonly string? _headers;

        public DyingUpstream(string? headers = null)
        {
            _headers = headers;
            _listener.Start();
            _ = AcceptAsync();
        }

        public string Url => $"http://{_listener.LocalEndpoint}/";

        public IReadOnlyList<string> Methods
        {
            get
            {
                lock (_methods)
                {
                    return [.. _methods];
                }
            }
        }

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync()
        {
            while (true)
            {
                TcpClient connection;
                try
                {
                    connection = await _listener.AcceptTcpClientAsync();
                }
                catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
                {
                    return;
                }

                using (connection)
                {
                    await ServeAsync(connection.GetStream());
                }
            }
        }

        private async Task ServeAsync(NetworkStream stream)
        {
            var buffer = new byte[16 * 1024];
            for (var served = 0; served < (_headers is null ? 2 : 1); served++)
            {
                var read = await stream.ReadAsync(buffer);
                if (read == 0)
                {
                    return;
                }

                lock (_methods)
                {
                    _methods.Add(Encoding.ASCII.GetString(buffer, 0, read).Split(' ')[0]);
                }

                if (served == 0)
                {
                    await stream.WriteAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\n{_headers ?? "Content-Length: 2\r\n"}\r\nok"));
                }
            }
        }
    }
}
