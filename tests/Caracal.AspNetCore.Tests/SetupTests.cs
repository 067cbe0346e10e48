using System.Net;
using System.Text.Json;
using Caracal.AspNetCore.OpenApi;
using Caracal.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.AspNetCore.Tests;

/// <summary>A resource server made with <c>AddCaracal</c>, on a real port.</summary>
public sealed class SetupTests : IAsyncLifetime
{
    private const string Audience = "resource://reports";

    private readonly TestSts _sts = new();
    private WebApplication _application = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddCaracal(_ => _sts.VerifierOptions(Audience));
        builder.Services.AddOpenApi(options => options.AddCaracal());
        _application = builder.Build();
        _application.UseAuthentication();
        _application.UseAuthorization();
        var resource = _application.MapProtectedResource("/reports", new ProtectedResource(Audience, [_sts.Issuer], ["reports:read"]));
        _application.MapGet("/reports", () => "read").RequireMandate("reports:read").WithProtectedResource(resource);
        _application.MapGet("/attributed", [RequireMandate("reports:write", RequireDelegation = true)] () => "written");
        _application.MapGroup("/group").RequireMandate("group:read").MapGet("/inner", () => "inner").RequireMandate();
        _application.MapGet("/open", () => "open");
        _application.MapHealthChecks("/health");
        _application.MapOpenApi();
        await _application.StartAsync();
        _http = new HttpClient { BaseAddress = new Uri(_application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()) };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _application.DisposeAsync();
        _sts.Dispose();
    }

    [Fact]
    public async Task An_endpoint_admits_its_scope_and_challenges_say_where_the_resource_describes_itself()
    {
        var refused = await GetAsync("/reports", null);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        var challenge = refused.Headers.WwwAuthenticate.ToString();
        Assert.Contains($"resource_metadata=\"{_http.BaseAddress}.well-known/oauth-protected-resource/reports\"", challenge, StringComparison.Ordinal);
        using var metadata = JsonDocument.Parse(await _http.GetStringAsync("/.well-known/oauth-protected-resource/reports"));
        Assert.Equal((Audience, _sts.Issuer), (metadata.RootElement.GetProperty("resource").GetString(), metadata.RootElement.GetProperty("authorization_servers")[0].GetString()));
        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync("/reports", new TestMandate(Audience))).StatusCode);
        Assert.Equal("read", await (await GetAsync("/reports", new TestMandate(Audience) { Scopes = ["reports:read"] })).Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task An_attribute_asks_for_what_it_says()
    {
        var write = new TestMandate(Audience) { Scopes = ["reports:write"] };
        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync("/attributed", new TestMandate(Audience) { Scopes = ["reports:read"] })).StatusCode);
        Assert.Contains("delegation_required", await (await GetAsync("/attributed", write)).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/attributed", write with { DelegationId = "edge-1" })).StatusCode);
    }

    [Fact]
    public async Task Who_asks_for_problem_details_gets_them()
    {
        var refused = await GetAsync("/reports", new TestMandate(Audience), "application/problem+json");
        Assert.Equal("application/problem+json", refused.Content.Headers.ContentType!.MediaType);
        using var body = JsonDocument.Parse(await refused.Content.ReadAsStringAsync());
        Assert.Equal((403, "insufficient_scope"), (body.RootElement.GetProperty("status").GetInt32(), body.RootElement.GetProperty("error").GetString()));
    }

    [Fact]
    public async Task The_health_check_knows_whether_keys_can_be_had() => Assert.Equal("Healthy", await _http.GetStringAsync("/health"));

    [Fact]
    public async Task The_openapi_document_says_which_endpoints_need_a_mandate_and_which_scopes()
    {
        using var document = JsonDocument.Parse(await _http.GetStringAsync("/openapi/v1.json"));
        var scheme = document.RootElement.GetProperty("components").GetProperty("securitySchemes").GetProperty("Caracal");
        Assert.Equal(("http", "bearer"), (scheme.GetProperty("type").GetString(), scheme.GetProperty("scheme").GetString()));
        JsonElement Operation(string path) => document.RootElement.GetProperty("paths").GetProperty(path).GetProperty("get");
        string[] Scopes(string path) => [.. Operation(path).GetProperty("security")[0].GetProperty("Caracal").EnumerateArray().Select(scope => scope.GetString()!)];
        Assert.Equal(["reports:read"], Scopes("/reports"));
        Assert.Equal(["reports:write"], Scopes("/attributed"));
        Assert.Equal(["group:read"], Scopes("/group/inner"));
        Assert.True(Operation("/reports").GetProperty("responses").TryGetProperty("403", out _));
        Assert.False(Operation("/open").TryGetProperty("security", out _));
    }

    private async Task<HttpResponseMessage> GetAsync(string path, TestMandate? mandate, string? accept = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (mandate is not null) request.Headers.Authorization = new("Bearer", _sts.Mint(mandate));
        if (accept is not null) request.Headers.Add("Accept", accept);
        return await _http.SendAsync(request);
    }
}
