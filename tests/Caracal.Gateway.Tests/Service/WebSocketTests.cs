using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Caracal.Gateway.Tests.Support;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.TestKit;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Tests.Service;

/// <summary>A WebSocket is a governed request that stays open, and closes with its authority.</summary>
public sealed class WebSocketTests : IAsyncLifetime
{
    private static readonly CancellationToken Limit = new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token;

    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_handshake_without_a_mandate_is_refused_and_reaches_nobody()
    {
        using var client = new ClientWebSocket { Options = { CollectHttpResponseDetails = true } };
        await Assert.ThrowsAsync<WebSocketException>(() => client.ConnectAsync(Address(), Limit));
        Assert.Equal(HttpStatusCode.Unauthorized, client.HttpStatusCode);
        Assert.Empty(_host.Upstream.Seen);
        Assert.Empty(_host.Sts.Exchanges);
    }

    [Fact]
    public async Task A_handshake_that_the_sts_refuses_reaches_nobody()
    {
        _host.Sts.Answer = async http =>
        {
            http.Response.StatusCode = 403;
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync("""{"error":"operation_not_permitted","error_description":"no"}""");
        };
        using var client = Client();
        await Assert.ThrowsAsync<WebSocketException>(() => client.ConnectAsync(Address(), Limit));
        Assert.Equal(HttpStatusCode.Forbidden, client.HttpStatusCode);
        Assert.Empty(_host.Upstream.Seen);
        var asked = Assert.Single(_host.Sts.Exchanges);
        Assert.Equal("GET", asked["request_method"].ToString());
        Assert.Equal("/feed", asked["request_path"].ToString());
    }

    [Fact]
    public async Task A_mandate_opens_one_socket()
    {
        _host.Upstream.Raw = SocketUpstream.Accepting(SocketUpstream.EchoAsync);
        var mandate = _host.Mandate();
        using var first = await OpenAsync(Client(mandate));
        using var second = Client(mandate);
        await Assert.ThrowsAsync<WebSocketException>(() => second.ConnectAsync(Address(), Limit));
        Assert.Equal(HttpStatusCode.Unauthorized, second.HttpStatusCode);
    }

    [Fact]
    public async Task Messages_of_any_size_pass_both_ways_and_the_call_is_audited_when_it_ends()
    {
        HttpRequest? seen = null;
        _host.Upstream.Raw = http =>
        {
            seen = http.Request;
            Assert.False(http.Request.Headers.ContainsKey("X-Caracal-Resource"));
            Assert.Equal("Bearer resource.mandate.token", http.Request.Headers.Authorization);
            return SocketUpstream.Accepting(SocketUpstream.EchoAsync)(http);
        };
        using var client = Client();
        client.Options.AddSubProtocol("chat.v2");
        await client.ConnectAsync(Address(), Limit);
        Assert.Equal("chat.v2", client.SubProtocol);
        Assert.NotNull(seen);
        Assert.Equal(1, await _host.MetricAsync("websockets_open"));

        await RoundTripAsync(client, WebSocketMessageType.Text, Encoding.UTF8.GetBytes("hello"));
        var large = new byte[1024 * 1024];
        new Random(3).NextBytes(large);
        await RoundTripAsync(client, WebSocketMessageType.Binary, large);
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", Limit);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, client.CloseStatus);

        await GatewayHost.UntilAsync(async () => (await _host.EventsAsync()).Count == 1);
        var recorded = Assert.Single(await _host.EventsAsync());
        var metadata = recorded.GetProperty("metadata_json");
        Assert.Equal("executed", recorded.GetProperty("evaluation_status").GetString());
        Assert.Equal("GET", metadata.GetProperty("method").GetString());
        Assert.Equal(101, metadata.GetProperty("upstream_status").GetInt32());
        Assert.True(metadata.GetProperty("response_bytes").GetInt64() > large.Length);
        Assert.Equal(1, await _host.MetricAsync("requests_allowed"));
        Assert.Equal(0, await _host.MetricAsync("websockets_open"));
    }

    [Theory]
    [InlineData("sid", "ar-1")]
    [InlineData("root_sid", "ar-root")]
    [InlineData("agent_session_id", "sess-1")]
    [InlineData("delegation_edge_id", "edge-1")]
    public async Task A_revocation_closes_an_idle_socket_within_a_second_on_both_sides(string field, string value)
    {
        var closed = new TaskCompletionSource<WebSocketCloseStatus?>();
        _host.Upstream.Raw = SocketUpstream.Accepting(async socket =>
        {
            await socket.SendAsync("first"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            var end = await socket.ReceiveAsync(new byte[100], CancellationToken.None);
            closed.SetResult(end.CloseStatus);
        });
        using var client = await OpenAsync(Client());
        var buffer = new byte[100];
        Assert.Equal(5, (await client.ReceiveAsync(buffer, Limit)).Count);

        var started = Stopwatch.GetTimestamp();
        await _host.PublishAsync(Topics.SessionsRevoke, _host.StreamKeys, ("zone_id", "zone-1"), (field, value));
        var end = await client.ReceiveAsync(buffer, Limit);
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(1));
        Assert.Equal(WebSocketMessageType.Close, end.MessageType);
        Assert.Equal((WebSocketCloseStatus.PolicyViolation, "authority revoked"), (client.CloseStatus, client.CloseStatusDescription));
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, await closed.Task.WaitAsync(Limit));
        var recorded = Assert.Single(await _host.EventsAsync());
        Assert.True(recorded.GetProperty("metadata_json").GetProperty("revocation_interrupted").GetBoolean());
    }

    [Fact]
    public async Task A_busy_socket_is_closed_by_a_revocation_too()
    {
        _host.Upstream.Raw = SocketUpstream.Accepting(async socket =>
        {
            while (socket.State == WebSocketState.Open)
            {
                await socket.SendAsync(new byte[1_000], WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
            }
        });
        using var client = await OpenAsync(Client());
        var buffer = new byte[4_096];
        Assert.NotEqual(0, (await client.ReceiveAsync(buffer, Limit)).Count);
        await _host.PublishAsync(Topics.SessionsRevoke, _host.StreamKeys, ("zone_id", "zone-1"), ("sid", "ar-1"));
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            while ((await client.ReceiveAsync(buffer, Limit)).MessageType != WebSocketMessageType.Close)
            {
            }

            throw new WebSocketException("closed with a frame of its own");
        }).WaitAsync(TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task A_socket_whose_upstream_talks_on_without_listening_is_over_with_its_authority()
    {
        _host.Upstream.Raw = SocketUpstream.Accepting(async socket =>
        {
            while (true)
            {
                await socket.SendAsync("tick"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
                await Task.Delay(200); // long enough to come after the close frame, and short enough to come before the upstream is given up
            }
        });
        using var client = await OpenAsync(Client());
        var sent = 0L;
        var sending = Task.Run(async () =>
        {
            while (true)
            {
                await client.SendAsync(new byte[64 * 1024], WebSocketMessageType.Binary, endOfMessage: true, Limit);
                Interlocked.Increment(ref sent);
            }
        });
        var reading = Task.Run(async () =>
        {
            while ((await client.ReceiveAsync(new byte[4_096], Limit)).MessageType != WebSocketMessageType.Close)
            {
            }
        });
        for (var before = -1L; before != Interlocked.Read(ref sent); await Task.Delay(500)) before = Interlocked.Read(ref sent);

        await _host.PublishAsync(Topics.SessionsRevoke, _host.StreamKeys, ("zone_id", "zone-1"), ("sid", "ar-1"));
        await Task.WhenAny(reading, Task.Delay(TimeSpan.FromSeconds(5)));
        Assert.True(reading.IsCompleted);
        await GatewayHost.UntilAsync(async () => await _host.MetricAsync("websockets_open") == 0);
        await Assert.ThrowsAnyAsync<Exception>(() => sending);
    }

    [Fact]
    public async Task In_the_middle_of_a_frame_a_revocation_cuts_the_connection()
    {
        _host.Upstream.Raw = async http =>
        {
            await using var stream = await SocketUpstream.SwitchAsync(http);
            await stream.WriteAsync(new byte[] { 0x82, 100, 1, 2, 3 }); // 3 of 100 bytes
            await stream.FlushAsync();
            Assert.True(await stream.ReadAsync(new byte[100]) >= 0);
        };
        // By hand: a client library gives out no part of a frame.
        using var client = new TcpClient();
        await client.ConnectAsync(new Uri(_host.Address).Host, new Uri(_host.Address).Port);
        var connection = client.GetStream();
        await connection.WriteAsync(Encoding.ASCII.GetBytes($"""
            GET /feed HTTP/1.1
            Host: gateway
            Authorization: Bearer {_host.Mandate()}
            X-Caracal-Resource: {GatewayHost.Resource}
            Connection: Upgrade
            Upgrade: websocket
            Sec-WebSocket-Version: 13
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==


            """.ReplaceLineEndings("\r\n")));
        var received = new List<byte>();
        var buffer = new byte[1_024];
        while (!received.TakeLast(5).SequenceEqual(new byte[] { 0x82, 100, 1, 2, 3 }))
        {
            var read = await connection.ReadAsync(buffer, Limit);
            Assert.NotEqual(0, read);
            received.AddRange(buffer.AsSpan(0, read));
        }

        Assert.StartsWith("HTTP/1.1 101 ", Encoding.ASCII.GetString([.. received]), StringComparison.Ordinal);
        await _host.PublishAsync(Topics.SessionsRevoke, _host.StreamKeys, ("zone_id", "zone-1"), ("sid", "ar-1"));
        await Assert.ThrowsAsync<IOException>(() => connection.ReadAsync(buffer, Limit).AsTask()).WaitAsync(TimeSpan.FromSeconds(2)); // reset, not ended
    }

    [Fact]
    public async Task A_socket_ends_with_its_mandate()
    {
        _host.Upstream.Raw = SocketUpstream.Accepting(SocketUpstream.EchoAsync);
        _host.Time.TimersRun = 100; // 35 s of a mandate's life are 350 ms
        using var client = await OpenAsync(Client(_host.Mandate(life: TimeSpan.FromSeconds(36))));
        var end = await client.ReceiveAsync(new byte[100], Limit).WaitAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(WebSocketMessageType.Close, end.MessageType);
        Assert.Equal((WebSocketCloseStatus.PolicyViolation, "authority expired"), (client.CloseStatus, client.CloseStatusDescription));
        Assert.False(Assert.Single(await _host.EventsAsync()).GetProperty("metadata_json").TryGetProperty("revocation_interrupted", out _));
    }

    [Fact]
    public async Task A_socket_on_which_nothing_moves_is_cut()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { StreamIdleTimeout = TimeSpan.FromMilliseconds(300) });
        host.Upstream.Raw = SocketUpstream.Accepting(SocketUpstream.EchoAsync);
        using var client = Client(host.Mandate());
        await client.ConnectAsync(new Uri(host.Address.Replace("http", "ws", StringComparison.Ordinal) + "/feed"), Limit);
        await Assert.ThrowsAsync<WebSocketException>(() => client.ReceiveAsync(new byte[100], Limit)).WaitAsync(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_caller_that_leaves_ends_the_upstreams_side_and_the_call_is_audited()
    {
        var left = new TaskCompletionSource();
        _host.Upstream.Raw = SocketUpstream.Accepting(async socket =>
        {
            try
            {
                await socket.ReceiveAsync(new byte[100], CancellationToken.None);
            }
            catch (WebSocketException)
            {
                // As it should be: no close frame.
            }

            left.SetResult();
        });
        using (var client = await OpenAsync(Client()))
        {
            client.Abort();
        }

        await left.Task.WaitAsync(TimeSpan.FromSeconds(5));
        await GatewayHost.UntilAsync(async () => (await _host.EventsAsync()).Count == 1);
    }

    [Theory]
    [InlineData(403)]
    [InlineData(200)]
    public async Task An_upstream_that_does_not_switch_is_relayed_as_it_is(int status)
    {
        _host.Upstream.Raw = http =>
        {
            http.Response.StatusCode = status;
            return http.Response.WriteAsync("no sockets here");
        };
        using var client = Client();
        await Assert.ThrowsAsync<WebSocketException>(() => client.ConnectAsync(Address(), Limit));
        Assert.Equal(status, (int)client.HttpStatusCode);
        Assert.Equal(status, Assert.Single(await _host.EventsAsync()).GetProperty("metadata_json").GetProperty("upstream_status").GetInt32());
    }

    [Fact]
    public async Task An_upstream_that_switches_to_something_else_is_unreachable()
    {
        _host.Upstream.Raw = async http =>
        {
            http.Response.Headers.Upgrade = "tls/1.3";
            await using var stream = await http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpUpgradeFeature>()!.UpgradeAsync();
        };
        using var client = Client();
        await Assert.ThrowsAsync<WebSocketException>(() => client.ConnectAsync(Address(), Limit));
        Assert.Equal(HttpStatusCode.BadGateway, client.HttpStatusCode);
    }

    [Fact]
    public async Task Any_other_upgrade_ends_here_and_a_plain_request_goes_on()
    {
        var answer = await RawHttp.SendAsync(_host.Address, $"""
            GET /v1/items HTTP/1.1
            Host: gateway
            Authorization: Bearer {_host.Mandate()}
            X-Caracal-Resource: {GatewayHost.Resource}
            Connection: Upgrade, HTTP2-Settings, close
            Upgrade: h2c
            HTTP2-Settings: AAMAAABkAAQAAP__


            """);
        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        var seen = Assert.Single(_host.Upstream.Seen);
        Assert.All(new[] { "Upgrade", "HTTP2-Settings" }, name => Assert.Null(seen.Header(name)));
    }

    [Fact]
    public async Task Over_HTTP2_a_socket_is_the_same_governed_GET()
    {
        using var folder = new CertificateFolder();
        await using var host = await GatewayHost.StartAsync(settings => settings with
        {
            Listen = new ListenSettings { Host = "127.0.0.1", Port = 0, CertificateFile = folder.Certificate, KeyFile = folder.Key },
        });
        host.Upstream.Raw = SocketUpstream.Accepting(SocketUpstream.EchoAsync);
        using var handler = new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.GetCertHashString() == folder.Thumbprint },
        };
        using var invoker = new HttpMessageInvoker(handler);
        using var client = Client(host.Mandate());
        client.Options.HttpVersion = HttpVersion.Version20;
        client.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        await client.ConnectAsync(new Uri(host.Address.Replace("https", "wss", StringComparison.Ordinal) + "/feed"), invoker, Limit);
        await RoundTripAsync(client, WebSocketMessageType.Text, "over http/2"u8.ToArray());
        Assert.Equal("GET", host.Sts.Exchanges.Single()["request_method"].ToString());

        await host.PublishAsync(Topics.SessionsRevoke, host.StreamKeys, ("zone_id", "zone-1"), ("sid", "ar-1"));
        var end = await client.ReceiveAsync(new byte[100], Limit).WaitAsync(TimeSpan.FromSeconds(2));
        Assert.Equal((WebSocketMessageType.Close, WebSocketCloseStatus.PolicyViolation), (end.MessageType, end.CloseStatus));
    }

    private static async Task RoundTripAsync(ClientWebSocket client, WebSocketMessageType type, byte[] message)
    {
        var sending = client.SendAsync(message, type, endOfMessage: true, Limit);
        using var received = new MemoryStream();
        var buffer = new byte[32 * 1024];
        WebSocketReceiveResult read;
        do
        {
            read = await client.ReceiveAsync(buffer, Limit);
            received.Write(buffer, 0, read.Count);
        }
        while (received.Length < message.Length || !read.EndOfMessage);
        await sending;
        Assert.Equal(message, received.ToArray());
    }

    private Uri Address() => new(_host.Address.Replace("http", "ws", StringComparison.Ordinal) + "/feed");

    private async Task<ClientWebSocket> OpenAsync(ClientWebSocket client)
    {
        await client.ConnectAsync(Address(), Limit);
        return client;
    }

    private ClientWebSocket Client(string? mandate = null)
    {
        var client = new ClientWebSocket { Options = { CollectHttpResponseDetails = true, KeepAliveInterval = TimeSpan.Zero } };
        client.Options.SetRequestHeader("Authorization", "Bearer " + (mandate ?? _host.Mandate()));
        client.Options.SetRequestHeader(CaracalHeaders.Resource, GatewayHost.Resource);
        return client;
    }
}
