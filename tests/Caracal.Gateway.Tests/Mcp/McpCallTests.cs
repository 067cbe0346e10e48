using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Caracal.Gateway.Tests.Support;

namespace Caracal.Gateway.Tests.Mcp;

/// <summary>Headers and body of a message, over the wire, with the STS and the upstream at their ports.</summary>
public sealed class McpCallTests : IAsyncLifetime
{
    private const string Call = """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"}}}""";
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync(settings => settings with { MaxMcpMessageBytes = 4096 });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task What_agrees_goes_to_the_sts_and_upstream_byte_for_byte()
    {
        foreach (var name in (string[])["echo", "=?base64?ZWNobw==?="])
        {
            using var response = await SendAsync(Call, "tools/call", name);
            Assert.Equal(200, (int)response.StatusCode);
        }

        Assert.All(_host.Sts.Exchanges, form => Assert.Equal(((string?)"tools/call/echo", (string?)"POST", (string?)"/mcp"), ((string?)form["mcp_operation"], (string?)form["request_method"], (string?)form["request_path"])));
        Assert.All(_host.Upstream.Seen, seen => Assert.Equal(Call, Encoding.UTF8.GetString(seen.Body)));
        Assert.Equal(2, _host.Upstream.Seen.Count);
    }

    [Fact]
    public async Task A_call_that_says_nothing_of_mcp_streams_as_before()
    {
        using var response = await SendAsync(Call, null, null);
        Assert.Equal(200, (int)response.StatusCode);
        Assert.All(_host.Sts.Exchanges, form => Assert.False(form.ContainsKey("mcp_operation")));
    }

    [Theory]
    [InlineData("tools/list", null, "mcp_header_mismatch")]
    [InlineData("tools/call", "drop", "mcp_header_mismatch")]
    [InlineData("tools/call", null, "mcp_header_mismatch")]
    [InlineData("tools/call", "Echo", "mcp_header_mismatch")]
    [InlineData("Tools/Call", "echo", "mcp_header_mismatch")]
    [InlineData(null, "echo", "mcp_message_invalid")]
    [InlineData("tools/call", "=?base64?!?=", "mcp_header_mismatch")]
    public async Task What_does_not_agree_is_refused_and_the_mandate_is_not_spent(string? method, string? name, string code)
    {
        var bearer = _host.Mandate();
        using (var refused = await SendAsync(Call, method, name, bearer)) await RefusedAsync(refused, 400, code);
        Assert.Empty(_host.Sts.Exchanges);
        Assert.Empty(_host.Upstream.Seen);

        using var again = await SendAsync(Call, "tools/call", "echo", bearer);
        Assert.Equal(200, (int)again.StatusCode);
    }

    [Fact]
    public async Task What_the_upstream_could_read_otherwise_is_refused()
    {
        using (var batch = await SendAsync($"[{Call}]", "tools/call", "echo")) await RefusedAsync(batch, 400, "mcp_message_invalid");
        using (var packed = await SendAsync(Call, "tools/call", "echo", change: request => request.Content!.Headers.ContentEncoding.Add("gzip"))) await RefusedAsync(packed, 400, "mcp_message_invalid");
        using (var other = await SendAsync(Call, "tools/call", "echo", change: request => request.Content!.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-16"))) await RefusedAsync(other, 400, "mcp_message_invalid");
        using (var twice = await SendAsync(Call, "tools/call", "echo", change: request => request.Headers.TryAddWithoutValidation("Mcp-Method", "tools/list"))) await RefusedAsync(twice, 400, "mcp_header_mismatch");
        using (var put = await SendAsync(Call, "tools/call", "echo", change: request => request.Method = HttpMethod.Put)) await RefusedAsync(put, 400, "mcp_message_invalid");
        var large = Call.Replace("hi", new string('x', 5000), StringComparison.Ordinal);
        using (var known = await SendAsync(large, "tools/call", "echo")) await RefusedAsync(known, 413, "payload_too_large");
        using (var chunked = await SendAsync(large, "tools/call", "echo", change: request => request.Headers.TransferEncodingChunked = true)) await RefusedAsync(chunked, 413, "payload_too_large");
        Assert.Empty(_host.Upstream.Seen);
    }

    private Task<HttpResponseMessage> SendAsync(string body, string? method, string? name, string? bearer = null, Action<HttpRequestMessage>? change = null)
    {
        var request = _host.Request("/mcp", bearer, HttpMethod.Post);
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (method is not null) request.Headers.TryAddWithoutValidation("Mcp-Method", method);
        if (name is not null) request.Headers.TryAddWithoutValidation("Mcp-Name", name);
        change?.Invoke(request);
        return _host.SendAsync(request);
    }

    private static async Task RefusedAsync(HttpResponseMessage response, int status, string code)
    {
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal((status, code), ((int)response.StatusCode, body.RootElement.GetProperty("error").GetString()));
    }
}
