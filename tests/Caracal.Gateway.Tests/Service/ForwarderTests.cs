using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Caracal.Egress;
using Caracal.Gateway.Admission;
using Caracal.Gateway.Forwarding;
using Caracal.Gateway.Pipeline;
using Caracal.Gateway.Tests.Support;
using Caracal.Hosting;
using Caracal.Hosting.Http;
using Caracal.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Caracal.Gateway.Tests.Service;

/// <summary>What a forwarder must leave as it is: when bytes move, and who says when.</summary>
public sealed class ForwarderTests : IAsyncLifetime
{
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Every_event_of_a_stream_arrives_before_the_next_one_is_made()
    {
        using var next = new SemaphoreSlim(1);
        _host.Upstream.Answer = async http =>
        {
            http.Response.ContentType = "text/event-stream";
            for (var i = 0; i < 5; i++)
            {
                await next.WaitAsync(http.RequestAborted);
                await http.Response.WriteAsync($"data: {i}\n\n");
                await http.Response.Body.FlushAsync();
            }
        };
        using var response = await _host.SendAsync(_host.Request());
        var stream = await response.Content.ReadAsStreamAsync();
        var piece = new byte[9];
        for (var i = 0; i < 5; i++)
        {
            await stream.ReadExactlyAsync(piece).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
            Assert.Equal($"data: {i}\n\n", Encoding.ASCII.GetString(piece));
            next.Release();
        }

        Assert.Equal(0, await stream.ReadAsync(piece));
    }

    [Fact]
    public async Task A_caller_that_waits_for_100_is_told_to_continue_only_when_the_upstream_reads()
    {
        using var caller = await ExpectingAsync();
        Assert.StartsWith("HTTP/1.1 100 ", await caller.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        await caller.WriteAsync("hello");
        Assert.StartsWith("HTTP/1.1 200 ", await caller.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        Assert.Equal("hello", Encoding.ASCII.GetString(Assert.Single(_host.Upstream.Seen).Body));
    }

    [Fact]
    public async Task A_caller_that_waits_for_100_gets_the_refusal_instead()
    {
        _host.Upstream.Raw = http =>
        {
            http.Response.StatusCode = 403;
            http.Response.ContentLength = 0;
            http.Response.Headers.Connection = "close";
            return http.Response.CompleteAsync();
        };
        using var caller = await ExpectingAsync(length: 5_000); // the client sends a body of up to 1 KiB all the same
        Assert.StartsWith("HTTP/1.1 403 ", await caller.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_that_waits_for_100_is_refused_here_without_it()
    {
        using var caller = await ExpectingAsync(bearer: "a.b");
        Assert.StartsWith("HTTP/1.1 401 ", await caller.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        Assert.Empty(_host.Upstream.Seen);
    }

    [Fact]
    public async Task HEAD_has_the_length_and_no_body()
    {
        _host.Upstream.Answer = http =>
        {
            http.Response.ContentLength = 12_345;
            return Task.CompletedTask;
        };
        using var response = await _host.SendAsync(_host.Request(method: HttpMethod.Head));
        Assert.Equal((HttpStatusCode.OK, 12_345), (response.StatusCode, response.Content.Headers.ContentLength));
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("HEAD", Assert.Single(_host.Upstream.Seen).Method);
    }

    [Fact]
    public async Task A_caller_that_leaves_in_the_middle_of_an_upload_ends_the_upstreams_request()
    {
        var begun = new TaskCompletionSource();
        var ended = new TaskCompletionSource();
        _host.Upstream.Raw = async http =>
        {
            try
            {
                begun.SetResult();
                await http.Request.Body.CopyToAsync(Stream.Null);
            }
            catch (Exception fault) when (fault is IOException or OperationCanceledException)
            {
                ended.SetResult();
            }
        };
        using (var caller = await Caller.ConnectAsync(_host.Address))
        {
            await caller.WriteAsync($"POST /v1/items HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {_host.Mandate()}\r\nX-Caracal-Resource: {GatewayHost.Resource}\r\nContent-Length: 100000\r\n\r\n" + new string('x', 5_000));
            await begun.Task.WaitAsync(TimeSpan.FromSeconds(10)); // Who leaves before the upstream hears of it is another case.
        }

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(10));
        await GatewayHost.UntilAsync(async () => (await _host.EventsAsync()).Count == 1);
        var metadata = Assert.Single(await _host.EventsAsync()).GetProperty("metadata_json");
        Assert.Equal("transport_error", metadata.GetProperty("error_kind").GetString());
    }

    [Theory]
    [InlineData("/a/%7Euser/%E2%82%AC", "/a/~user/%E2%82%AC")]
    [InlineData("/100%25", "/100%25")]
    [InlineData("/a;v=1/b,c/(d)!$&'*+=:@", "/a;v=1/b,c/(d)!$&'*+=:@")]
    [InlineData("//double//slash/", "//double//slash/")]
    [InlineData("/q?b=2&a=1&b=%2f&c", "/q?b=2&a=1&b=%2f&c")]
    [InlineData("/sp%20ace%3Fq%23h", "/sp%20ace%3Fq%23h")]
    public async Task The_path_that_was_authorised_is_the_path_that_is_sent(string target, string seen)
    {
        var answer = await RawHttp.SendAsync(_host.Address, $"""
            GET {target} HTTP/1.1
            Host: gateway
            Authorization: Bearer {_host.Mandate()}
            X-Caracal-Resource: {GatewayHost.Resource}
            Connection: close


            """);
        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.Equal(seen, Assert.Single(_host.Upstream.Seen).Target);
        Assert.Equal(Uri.UnescapeDataString(seen.Split('?')[0]), _host.Sts.Exchanges.Single()["request_path"].ToString());
    }

    [Fact]
    public async Task An_upstream_behind_TLS_is_spoken_to_in_HTTP2_with_its_trailers()
    {
        using var folder = new CertificateFolder();
        await using var upstream = new TlsUpstream(folder);
        await upstream.StartAsync(http =>
        {
            http.Response.AppendTrailer("x-checksum", "abc");
            return http.Response.WriteAsync(http.Request.Protocol);
        });
        using var http = new GuardedHttp(
            new EgressGuard(new EgressPolicy(true, [], []), new SystemHostResolver(), TimeProvider.System),
            new GuardedHttpOptions { ValidateCertificate = (_, shown, _, _) => shown!.GetCertHashString() == folder.Thumbprint });
        using var request = new HttpRequestMessage(HttpMethod.Get, upstream.Address) { Version = HttpVersion.Version20 };
        using var answer = await http.SendAsync(request, CancellationToken.None);
        Assert.Equal("HTTP/2", await answer.Content.ReadAsStringAsync());
        Assert.Equal("abc", answer.TrailingHeaders.GetValues("x-checksum").Single());
    }

    [Fact]
    public async Task A_body_that_was_begun_is_not_sent_again_when_the_upstream_refuses_its_stream()
    {
        using var folder = new CertificateFolder();
        await using var upstream = new TlsUpstream(folder);
        var begun = new TaskCompletionSource();
        var whole = new ConcurrentQueue<string>();
        await upstream.StartAsync(async http =>
        {
            if (!begun.Task.IsCompleted)
            {
                await http.Request.Body.ReadExactlyAsync(new byte[5]);
                http.Features.Get<IHttpResetFeature>()!.Reset(7); // REFUSED_STREAM: the client may take it elsewhere
                begun.SetResult();
                return;
            }

            using var reader = new StreamReader(http.Request.Body);
            whole.Enqueue(await reader.ReadToEndAsync());
        });
        using var http = new GuardedHttp(
            new EgressGuard(new EgressPolicy(true, [], []), new SystemHostResolver(), TimeProvider.System),
            new GuardedHttpOptions { ValidateCertificate = (_, shown, _, _) => shown!.GetCertHashString() == folder.Thumbprint });
        var pipe = new Pipe();
        var inbound = new DefaultHttpContext { Request = { Method = "POST", Body = pipe.Reader.AsStream() } };
        var settings = new GatewaySettings { Mode = CaracalMode.Dev, Listen = new ListenSettings { Host = "127.0.0.1", Port = 0 }, StsUrl = "", StreamKeys = _host.StreamKeys };
        await using var call = new GatewayCall(inbound, RequestTarget.Parse("/"), "id", DateTimeOffset.UnixEpoch);
        using var request = new HttpRequestMessage(HttpMethod.Post, upstream.Address) { Version = HttpVersion.Version20, Content = new StreamedRequestBody(call, settings, null) };
        var sending = http.SendAsync(request, CancellationToken.None);
        await pipe.Writer.WriteAsync("first"u8.ToArray());
        await begun.Task;
        await pipe.Writer.WriteAsync("second"u8.ToArray());
        await pipe.Writer.CompleteAsync();
        await Assert.ThrowsAnyAsync<Exception>(async () => (await sending).Dispose());
        Assert.Empty(whole);
    }

    [Fact]
    public async Task A_401_says_which_scheme_would_do()
    {
        using var refused = await _host.SendAsync(_host.Request(bearer: "a.b"));
        Assert.Equal("Bearer error=\"invalid_token\"", refused.Headers.GetValues("WWW-Authenticate").Single());
    }

    private async Task<Caller> ExpectingAsync(string? bearer = null, int length = 5)
    {
        var caller = await Caller.ConnectAsync(_host.Address);
        await caller.WriteAsync($"POST /v1/items HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {bearer ?? _host.Mandate()}\r\nX-Caracal-Resource: {GatewayHost.Resource}\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n");
        return caller;
    }

    private sealed class TlsUpstream(CertificateFolder folder) : HttpDouble(Build(folder))
    {
        private static WebApplication Build(CertificateFolder folder)
        {
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPemFile(folder.Certificate, folder.Key));
            }));
            return builder.Build();
        }
    }

    /// <summary>One connection, written and read by hand.</summary>
    private sealed class Caller : IDisposable
    {
        private readonly TcpClient _client = new();

        public static async Task<Caller> ConnectAsync(string address)
        {
            var caller = new Caller();
            await caller._client.ConnectAsync(new Uri(address).Host, new Uri(address).Port);
            return caller;
        }

        public async Task WriteAsync(string text) => await _client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text));

        public async Task<string> ReadUntilAsync(string end)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            var text = new StringBuilder();
            var one = new byte[1];
            while (!text.ToString().EndsWith(end, StringComparison.Ordinal))
            {
                Assert.Equal(1, await _client.GetStream().ReadAsync(one, limit.Token));
                text.Append((char)one[0]);
            }

            return text.ToString();
        }

        public void Dispose() => _client.Dispose();
    }
}
