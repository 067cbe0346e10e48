using Caracal.Gateway.Tests.Support;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.TestKit;

namespace Caracal.Gateway.Tests.Service;

/// <summary>
/// HTTP/2 has no line to break, so what would be refused as a line arrives as a field: each case is refused, or reaches the
/// HTTP/1.1 upstream as the one request that was governed.
/// </summary>
public sealed class Http2AttackTests : IClassFixture<Http2AttackTests.SharedHost>
{
    private readonly GatewayHost _host;

    public Http2AttackTests(SharedHost shared)
    {
        _host = shared.Host;
        _host.Upstream.Seen.Clear();
        _host.Sts.Exchanges.Clear();
    }

    // What is replaced in, or added to, the fields of a good request. "name=" takes the field away.
    public static TheoryData<string, string[]> Fields => new()
    {
        { "a line break in a value", ["x-a: b\r\nX-Smuggled: 1"] },
        { "a line feed in a value", ["x-a: b\nX-Smuggled: 1"] },
        { "a carriage return in a value", ["x-a: b\rX-Smuggled: 1"] },
        { "a zero byte in a value", ["x-a: b\0X-Smuggled"] },
        { "a line break in a name", ["x-a\r\nx-smuggled: 1"] },
        { "a colon in a name", ["x-smuggled:1\r\nx: 1"] },
        { "a space in a name", ["x-smuggled x: 1"] },
        { "an empty name", [": smuggled"] },
        { "capitals in a name", ["X-Smuggled: 1"] },
        { "a request in the target", [":path: /v1/items HTTP/1.1\r\nX-Smuggled: 1\r\n\r\nGET /smuggled"] },
        { "a space in the target", [":path: /v1/items HTTP/1.1 smuggled"] },
        { "an absolute target", [":path: http://169.254.169.254/smuggled"] },
        { "a target without a slash", [":path: smuggled"] },
        { "an asterisk", [":path: *"] },
        { "an empty target", [":path: "] },
        { "no target", [":path="] },
        { "two targets", [":path+ /smuggled"] },
        { "dots in the target", [":path: /v1/items/../../smuggled"] },
        { "a request in the method", [":method: GET /smuggled HTTP/1.1\r\nX-A: b\r\n\r\nGET"] },
        { "two methods", [":method+ DELETE"] },
        { "no method", [":method="] },
        { "CONNECT", [":method: CONNECT"] },
        { "CONNECT to a place", [":method: CONNECT", ":path=", ":scheme=", ":authority: 169.254.169.254:80"] },
        { "CONNECT for another protocol", [":method: CONNECT", ":protocol+ connect-udp"] },
        { "a scheme with a request", [":scheme: http://smuggled/x?"] },
        { "another scheme", [":scheme: ftp"] },
        { "an unknown pseudo-header", [":smuggled+ 1"] },
        { "a pseudo-header behind the others", ["x-a: 1", ":path> /smuggled"] },
        { "an authority with a user", [":authority: smuggled@gateway"] },
        { "an authority with a path", [":authority: gateway/smuggled"] },
        { "an authority with a line break", [":authority: gateway\r\nX-Smuggled: 1"] },
        { "two authorities", [":authority+ smuggled"] },
        { "no authority and no host", [":authority="] },
        { "a connection option", ["connection: authorization, x-smuggled"] },
        { "a transfer coding", ["transfer-encoding: chunked"] },
        { "an upgrade", ["upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__"] },
        { "another te", ["te: gzip"] },
        { "two mandates", ["authorization: Bearer a.b.c"] },
        { "two resources", ["x-caracal-resource: resource://smuggled"] },
        { "more fields than fit", [.. Enumerable.Range(0, 300).Select(i => $"x-smuggled-{i}: {new string('x', 100)}")] },
    };

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task Is_refused_or_arrives_as_the_one_request_that_was_governed(string name, string[] changes)
    {
        await using var connection = await RawHttp2.ConnectAsync(_host.Address);
        await connection.HeadersAsync(1, end: true, With(changes));
        var status = await connection.StatusAsync(1);
        if (_host.Upstream.Seen.IsEmpty)
        {
            Assert.True(status is 0 or >= 400, $"{name}: {status}");
            return;
        }

        Assert.Equal(200, status);
        var seen = Assert.Single(_host.Upstream.Seen);
        Assert.Equal(("GET", "/v1/items"), (seen.Method, seen.Target));
        Assert.DoesNotContain("smuggled", string.Concat(seen.Headers.SelectMany(header => header.Value.Prepend(header.Key))), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("0", "GET /smuggled HTTP/1.1\r\n\r\n")]
    [InlineData("5", "helloGET /smuggled HTTP/1.1\r\n\r\n")]
    [InlineData("50", "hello")]
    [InlineData("5x", "hello")]
    public async Task A_length_that_the_body_does_not_have_never_becomes_a_second_request(string length, string body)
    {
        await using var connection = await RawHttp2.ConnectAsync(_host.Address);
        await connection.HeadersAsync(1, end: false, With([":method: POST", $"content-length: {length}"]));
        await connection.DataAsync(1, end: true, body);
        Assert.True(await connection.StatusAsync(1) is 0 or >= 400);
        Assert.All(_host.Upstream.Seen, seen => Assert.True(seen.Body.Length <= 5 && seen.Target == "/v1/items"));
    }

    [Fact]
    public async Task Of_authority_and_host_the_authority_counts_and_one_goes_on()
    {
        await using var connection = await RawHttp2.ConnectAsync(_host.Address);
        await connection.HeadersAsync(1, end: true, With(["host: other.example"]));
        var status = await connection.StatusAsync(1);
        Assert.True(status is 200 or 0 or 400);
        Assert.All(_host.Upstream.Seen, seen => Assert.Equal("gateway", seen.Header("X-Forwarded-Host")));
    }

    [Fact]
    public async Task Cookies_in_crumbs_arrive_as_one()
    {
        await using var connection = await RawHttp2.ConnectAsync(_host.Address);
        await connection.HeadersAsync(1, end: true, With(["cookie: a=1", "cookie: b=2"]));
        Assert.Equal(200, await connection.StatusAsync(1));
        Assert.Equal(["a=1; b=2"], Assert.Single(_host.Upstream.Seen).Headers["Cookie"]);
    }

    [Theory]
    [InlineData("x-checksum: abc", 200)]
    [InlineData("x-caracal-resource: resource://smuggled", 200)]
    [InlineData("authorization: Bearer smuggled", 200)]
    [InlineData("content-length: 100", 200)]
    [InlineData("transfer-encoding: chunked", 200)]
    [InlineData("x-smuggled: a\r\nb: c", 200)]
    [InlineData(":path: /smuggled", 0)]
    public async Task Trailers_of_a_request_end_here(string trailer, int expected)
    {
        await using var connection = await RawHttp2.ConnectAsync(_host.Address);
        await connection.HeadersAsync(1, end: false, With([":method: POST", "trailer: x-checksum"]));
        await connection.DataAsync(1, end: false, "hello");
        await connection.HeadersAsync(1, end: true, Field(trailer, ": "));
        var status = await connection.StatusAsync(1);
        Assert.True(status == expected || (status is 0 or >= 400 && _host.Upstream.Seen.IsEmpty), $"{trailer}: {status}");
        Assert.All(_host.Upstream.Seen, seen =>
        {
            Assert.Equal("hello", System.Text.Encoding.ASCII.GetString(seen.Body));
            Assert.Null(seen.Header("trailer"));
            Assert.Null(seen.Header("x-checksum"));
            Assert.DoesNotContain("smuggled", string.Concat(seen.Headers.SelectMany(header => header.Value)), StringComparison.Ordinal);
        });
        Assert.All(_host.Sts.Exchanges, exchange => Assert.Equal(GatewayHost.Resource, exchange["resource"].ToString()));
    }

    private (string Name, string Value)[] With(string[] changes)
    {
        List<(string Name, string Value)> fields =
        [
            (":method", "GET"), (":scheme", "https"), (":authority", "gateway"), (":path", "/v1/items"),
            ("authorization", "Bearer " + _host.Mandate()), (CaracalHeaders.Resource.ToLowerInvariant(), GatewayHost.Resource),
        ];
        foreach (var change in changes)
        {
            var sign = change.AsSpan(1).IndexOfAny(":=+>") + 1;
            var (name, value) = (change[..sign], change[(sign + 1)..].TrimStart(' '));
            var at = fields.FindIndex(field => field.Name == name);
            switch (change[sign])
            {
                case '=':
                    fields.RemoveAt(at);
                    break;
                case '+':
                    fields.Insert(4, (name, value));
                    break;
                case ':' when name.StartsWith(':') && at >= 0:
                    fields[at] = (name, value);
                    break;
                default:
                    fields.Add((name, value));
                    break;
            }
        }

        return [.. fields];
    }

    private static (string, string) Field(string text, string separator)
    {
        var at = text.IndexOf(separator, StringComparison.Ordinal);
        return (text[..at], text[(at + separator.Length)..]);
    }

    /// <summary>One Gateway for all cases.</summary>
    public sealed class SharedHost : IAsyncLifetime
    {
        private readonly CertificateFolder _folder = new();

        internal GatewayHost Host { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Host = await GatewayHost.StartAsync(settings => settings with
        {
            Listen = new ListenSettings { Host = "127.0.0.1", Port = 0, CertificateFile = _folder.Certificate, KeyFile = _folder.Key },
        });

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            _folder.Dispose();
        }
    }
}
