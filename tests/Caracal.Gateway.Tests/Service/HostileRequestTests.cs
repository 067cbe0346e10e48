using System.Net;
using System.Net.Sockets;
using System.Text;
using Caracal.Gateway.Admission;
using Caracal.Gateway.Tests.Support;

namespace Caracal.Gateway.Tests.Service;

/// <summary>Requests written by hand to be read in two ways. Each is refused or made unambiguous: never two requests upstream.</summary>
public sealed class HostileRequestTests : IAsyncLifetime
{
    private static readonly string[] Paths =
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Corpus", "traversal-paths.txt")).Where(line => line.Length > 0 && line[0] != '#'),
    ];

    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    // "{auth}" are the headers of a good governed request, Host included; lines end in CRLF unless a case says otherwise.
    public static TheoryData<string, string> Smuggling => new()
    {
        { "a length and chunks", "POST /v1/items HTTP/1.1\r\n{auth}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "chunks and a length", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "two lengths that differ", "POST /v1/items HTTP/1.1\r\n{auth}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "two lengths that agree", "POST /v1/items HTTP/1.1\r\n{auth}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a list of lengths", "POST /v1/items HTTP/1.1\r\n{auth}Content-Length: 5, 5\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a length with a plus", "POST /v1/items HTTP/1.1\r\n{auth}Content-Length: +5\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a negative length", "POST /v1/items HTTP/1.1\r\n{auth}Content-Length: -5\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a hexadecimal length", "POST /v1/items HTTP/1.1\r\n{auth}Content-Length: 0x5\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a length beyond 64 bits", "POST /v1/items HTTP/1.1\r\n{auth}Content-Length: 18446744073709551621\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "an empty length", "POST /v1/items HTTP/1.1\r\n{auth}Content-Length: \r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "an unknown coding", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "chunked and then another", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "chunked twice", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "two codings on two lines", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a coding with a vertical tab", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: \u000bchunked\r\nContent-Length: 5\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a coding in quotes", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: \"chunked\"\r\nContent-Length: 5\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a space before the colon", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a folded coding", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a folded header", "GET /v1/items HTTP/1.1\r\n{auth}X-Long: a\r\n b\r\n\r\n" },
        { "a header folded with a tab", "GET /v1/items HTTP/1.1\r\n{auth}X-Long: a\r\n\tGET /smuggled HTTP/1.1\r\n\r\n" },
        { "a first header that is folded", "GET /v1/items HTTP/1.1\r\n Host: x\r\n{auth}\r\n" },
        { "bare line feeds", "GET /v1/items HTTP/1.1\n{auth}X-A: b\n\nGET /smuggled HTTP/1.1\nHost: x\n\n" },
        { "a bare line feed in a value", "GET /v1/items HTTP/1.1\r\n{auth}X-A: b\nX-B: c\r\n\r\n" },
        { "a bare carriage return in a value", "GET /v1/items HTTP/1.1\r\n{auth}X-A: b\rX-B: c\r\n\r\n" },
        { "a zero byte in a value", "GET /v1/items HTTP/1.1\r\n{auth}X-A: b\0c\r\n\r\n" },
        { "two hosts", "GET /v1/items HTTP/1.1\r\n{auth}Host: other\r\n\r\n" },
        { "no host", "GET /v1/items HTTP/1.1\r\n{nohost}\r\n" },
        { "a host with a path", "GET /v1/items HTTP/1.1\r\n{nohost}Host: a/b\r\n\r\n" },
        { "a host with a user", "GET /v1/items HTTP/1.1\r\n{nohost}Host: user@gateway\r\n\r\n" },
        { "an absolute target for another host", "GET http://169.254.169.254/v1/items HTTP/1.1\r\n{auth}\r\n" },
        { "an authority target", "GET gateway:80 HTTP/1.1\r\n{auth}\r\n" },
        { "CONNECT", "CONNECT gateway:80 HTTP/1.1\r\n{auth}\r\n" },
        { "an asterisk", "OPTIONS * HTTP/1.1\r\n{auth}\r\n" },
        { "a chunk extension", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n" },
        { "a chunk extension with a line feed", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: chunked\r\n\r\n5;\nhello\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a chunk size with a bare line feed", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n" },
        { "a chunk size with 0x", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a negative chunk size", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a chunk size beyond 64 bits", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a chunk longer than it says", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "trailers that are headers", "POST /v1/items HTTP/1.1\r\n{auth}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Caracal-Resource: resource://other\r\nContent-Length: 100\r\n\r\n" },
        { "a body that a GET should not have", "GET /v1/items HTTP/1.1\r\n{auth}Content-Length: 36\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: xxxxxx\r\n" },
        { "a pipelined request without a mandate", "GET /v1/items HTTP/1.1\r\n{auth}\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a header name with a space", "GET /v1/items HTTP/1.1\r\n{auth}X A: b\r\n\r\n" },
        { "an empty header name", "GET /v1/items HTTP/1.1\r\n{auth}: b\r\n\r\n" },
        { "HTTP/0.9", "GET /v1/items\r\n{auth}\r\n" },
        { "HTTP/1.2", "GET /v1/items HTTP/1.2\r\n{auth}\r\n" },
        { "HTTP/2 by name only", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
        { "chunks in HTTP/1.0", "POST /v1/items HTTP/1.0\r\n{auth}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "a connection option that names the length", "POST /v1/items HTTP/1.1\r\n{auth}Connection: Content-Length, close\r\nContent-Length: 5\r\n\r\nhello" },
        { "expectation of something else", "POST /v1/items HTTP/1.1\r\n{auth}Expect: 200-ok\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello" },
    };

    [Theory]
    [MemberData(nameof(Smuggling))]
    public async Task Never_becomes_two_requests_upstream(string name, string request)
    {
        var mandate = $"Authorization: Bearer {_host.Mandate()}\r\nX-Caracal-Resource: {GatewayHost.Resource}\r\n";
        var bytes = request
            .Replace("{auth}", "Host: gateway\r\n" + mandate, StringComparison.Ordinal)
            .Replace("{nohost}", mandate, StringComparison.Ordinal);
        var answer = await ExchangeAsync(Encoding.Latin1.GetBytes(bytes), saysItIsDone: true);
        Assert.True(_host.Upstream.Seen.Count <= 1, name);
        Assert.All(_host.Upstream.Seen, seen =>
        {
            Assert.Contains(seen.Target, new[] { "/v1/items", "/" });
            Assert.DoesNotContain("smuggled", seen.Headers.Keys.Concat(seen.Headers.Values.SelectMany(values => values)).Aggregate("", string.Concat), StringComparison.Ordinal);
            Assert.True(seen.Method == "GET" || seen.Body.Length == 0 || Encoding.ASCII.GetString(seen.Body) == "hello", name);
        });

        // What was not forwarded was refused; what was, was answered once, and anything behind it was refused.
        var statuses = Statuses(answer);
        Assert.True(_host.Upstream.Seen.IsEmpty ? statuses.All(status => status >= 400) : statuses.Count(status => status == 200) <= 1, $"{name}: {answer}");
    }

    [Theory]
    [InlineData(17_000, 1)]
    [InlineData(100, 200)]
    [InlineData(10, 101)]
    public async Task Headers_without_measure_are_431(int length, int count)
    {
        var headers = string.Concat(Enumerable.Range(0, count).Select(i => $"X-{i}: {new string('x', length)}\r\n"));
        var answer = await ExchangeAsync(Encoding.ASCII.GetBytes($"GET /v1/items HTTP/1.1\r\nHost: gateway\r\n{headers}\r\n"));

        // A server that hangs up on unread bytes may lose its own answer on the way; Hosting's tests see the status.
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 431 ", StringComparison.Ordinal), answer);
        Assert.Empty(_host.Upstream.Seen);
    }

    [Fact]
    public async Task A_target_without_measure_is_414()
    {
        var answer = await ExchangeAsync(Encoding.ASCII.GetBytes($"GET /{new string('x', 17_000)} HTTP/1.1\r\nHost: gateway\r\n\r\n"));
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 414 ", StringComparison.Ordinal), answer);
        Assert.Empty(_host.Upstream.Seen);
    }

    [Fact]
    public void The_path_corpus_has_at_least_100_entries() => Assert.True(Paths.Distinct().Count() >= 100);

    [Fact]
    [Trait("requirement", "R125")]
    public async Task Every_traversal_form_is_refused_before_anybody_is_asked()
    {
        foreach (var path in Paths)
        {
            Assert.False(PathRules.TryDecode(path, out _), path);
            var answer = await ExchangeAsync(Encoding.Latin1.GetBytes(
                $"GET {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {_host.Mandate()}\r\nX-Caracal-Resource: {GatewayHost.Resource}\r\nConnection: close\r\n\r\n"));
            Assert.True(answer.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal), $"{path}: {answer}");
        }

        Assert.Empty(_host.Upstream.Seen);
        Assert.Empty(_host.Sts.Exchanges);
        Assert.True(await _host.MetricAsync("denials_path_traversal") >= 90); // a few are refused by the server before us
    }

    // Sends, and reads what comes until the server closes. A request that leaves the server waiting for more is told,
    // once there is an answer or has been time for one, that nothing follows.
    private async Task<string> ExchangeAsync(byte[] request, bool saysItIsDone = false)
    {
        var address = new Uri(_host.Address);
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port);
        var stream = client.GetStream();
        using var answer = new MemoryStream();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await stream.WriteAsync(request, limit.Token);
            if (saysItIsDone)
            {
                await Task.Run(() => client.Client.Poll(TimeSpan.FromMilliseconds(300), SelectMode.SelectRead), limit.Token);
                client.Client.Shutdown(SocketShutdown.Send);
            }

            await stream.CopyToAsync(answer, limit.Token);
        }
        catch (IOException)
        {
            // A connection that was reset in the middle of a refusal; what came before it counts.
        }

        return Encoding.Latin1.GetString(answer.ToArray());
    }

    private static List<int> Statuses(string answer) =>
        [.. answer.Split("HTTP/1.1 ").Skip(1).Select(part => int.Parse(part.AsSpan(0, 3)))];
}
