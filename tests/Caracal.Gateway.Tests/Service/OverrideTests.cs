using System.Net;
using System.Text;
using System.Text.Json;
using Caracal.Gateway.Tests.Support;

namespace Caracal.Gateway.Tests.Service;

/// <summary>An operation list authorises a method: no upstream gets a request by which it would run another (docs/decisions/0007).</summary>
public sealed class OverrideTests : IAsyncLifetime
{
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    public static TheoryData<string, string, string, string> Overrides => new()
    {
        { "POST", "/v1/items", "application/x-www-form-urlencoded", "a=1&_method=DELETE" },
        { "POST", "/v1/items", "application/json", """{"a":1,"_method":"DELETE"}""" },
        { "POST", "/v1/items", "multipart/form-data; boundary=xYz", "--xYz\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--xYz--\r\n" },
        { "POST", "/v1/items", "", "_method=DELETE" },
        { "POST", "/v1/items", "application/x-www-form-urlencoded; charset=ibm037", "a=1" },
        { "POST", "/v1/items?%5Fmethod=DELETE", "text/plain", "a" },
        { "GET", "/v1/items?_method=DELETE", "", "" },
        { "GET", "/v1/items?%5B_method%5D=DELETE", "", "" },
    };

    [Theory]
    [MemberData(nameof(Overrides))]
    public async Task A_request_that_names_another_method_is_not_carried_out(string method, string path, string type, string body)
    {
        using var response = await _host.SendAsync(Request(method, path, type, body));
        await IsRefusedAsync(response);
    }

    [Theory]
    [InlineData("X-HTTP-Method-Override", "DELETE")]
    [InlineData("X_Http_Method_Override", "DELETE")]
    [InlineData("X-Original-Method", "DELETE")]
    [InlineData("X-Original-URL", "/admin")]
    [InlineData("X-Override-URL", "/admin")]
    public async Task So_is_one_that_says_so_in_a_header(string name, string value)
    {
        using var request = Request("POST", "/v1/items", "text/plain", "a");
        request.Headers.TryAddWithoutValidation(name, value);
        using var response = await _host.SendAsync(request);
        await IsRefusedAsync(response);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_field_behind_a_megabyte_is_found_before_the_upstream_has_the_whole_form(bool chunked)
    {
        using var request = Request("POST", "/v1/items", "application/x-www-form-urlencoded", $"a={new string('x', 1_000_000)}&_method=DELETE");
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await _host.SendAsync(request);
        await IsRefusedAsync(response);
    }

    [Theory]
    [MemberData(nameof(Overrides))]
    public async Task Where_operations_are_not_enforced_everything_passes(string method, string path, string type, string body)
    {
        _host.Sts.Directive["operations_enforced"] = false;
        using var response = await _host.SendAsync(Request(method, path, type, body));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(body, Encoding.UTF8.GetString(Assert.Single(_host.Upstream.Seen).Body));
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded", "_method=POST&payment_method=card")]
    [InlineData("application/json", """{"_method":"post","messages":[{"content":"_method=DELETE"}]}""")]
    public async Task What_names_the_authorised_method_passes_byte_for_byte(string type, string body)
    {
        using var response = await _host.SendAsync(Request("POST", "/v1/items", type, body));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(body, Encoding.UTF8.GetString(Assert.Single(_host.Upstream.Seen).Body));
    }

    private HttpRequestMessage Request(string method, string path, string type, string body)
    {
        var request = _host.Request(path, method: HttpMethod.Parse(method));
        if (method == "POST")
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type.Length == 0 ? null : type);
        }

        return request;
    }

    private async Task IsRefusedAsync(HttpResponseMessage response)
    {
        using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal(
            (400, "internal_error", "upstream request build failed"),
            ((int)response.StatusCode, answer.RootElement.GetProperty("error").GetString(), answer.RootElement.GetProperty("error_description").GetString()));
        Assert.Empty(_host.Upstream.Seen);
        var call = Assert.Single(await _host.EventsAsync());
        Assert.Equal("build_failed", call.GetProperty("evaluation_status").GetString());
        Assert.Equal("request_build_failed", call.GetProperty("metadata_json").GetProperty("error_kind").GetString());
    }
}
