using System.ComponentModel;
using System.Net;
using Caracal.Mcp;
using Caracal.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Server;

namespace Caracal.AspNetCore.Tests;

/// <summary>An MCP server of the official SDK on a real port, its tools under mandates.</summary>
public sealed class McpTests : IAsyncLifetime
{
    private const string Audience = "resource://reports-mcp";

    private readonly TestSts _sts = new();
    private WebApplication _application = null!;
    private string _url = "";

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddCaracal(_ => _sts.VerifierOptions(Audience));
        builder.Services.AddMcpServer().WithHttpTransport(http => http.Stateless = true).WithTools<ReportTools>()
            .WithCaracalTools(tools => tools.Require("read_report", "reports:read").Require("delete_report", "reports:delete"));
        _application = builder.Build();
        _application.UseAuthentication();
        _application.UseAuthorization();
        _application.MapCaracalMcp("/mcp", new ProtectedResource(Audience, [_sts.Issuer], ["reports:read", "reports:delete"]));
        await _application.StartAsync();
        _url = _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _sts.Dispose();
    }

    [Fact]
    public async Task A_tool_is_called_and_seen_only_with_its_scope()
    {
        await using var reader = await ConnectAsync("reports:read");
        Assert.Equal(["read_report"], (await reader.ListToolsAsync()).Select(tool => tool.Name));
        var answer = await reader.CallToolAsync("read_report", new Dictionary<string, object?> { ["name"] = "q3" });
        Assert.Contains("report q3", answer.Content[0].ToString() + System.Text.Json.JsonSerializer.Serialize(answer.Content[0], McpJsonUtilities.DefaultOptions), StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<McpProtocolException>(async () => await reader.CallToolAsync("delete_report", new Dictionary<string, object?> { ["name"] = "q3" }));
        Assert.Contains("insufficient_scope: delete_report needs reports:delete", refused.Message, StringComparison.Ordinal);
        var unlisted = await Assert.ThrowsAsync<McpProtocolException>(async () => await reader.CallToolAsync("secret_tool", new Dictionary<string, object?>()));
        Assert.Contains("tool_not_permitted", unlisted.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_mandate_there_is_a_challenge_that_names_the_metadata()
    {
        using var http = new HttpClient();
        var refused = await http.PostAsync(_url + "/mcp", new StringContent("{}", System.Text.Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Contains("/.well-known/oauth-protected-resource/mcp\"", refused.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
        Assert.Contains(Audience, await http.GetStringAsync(_url + "/.well-known/oauth-protected-resource/mcp"), StringComparison.Ordinal);
    }

    private async Task<McpClient> ConnectAsync(params string[] scopes)
    {
        var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", _sts.Mint(new TestMandate(Audience) { Scopes = scopes }));
        return await McpClient.CreateAsync(new HttpClientTransport(
            new HttpClientTransportOptions { Endpoint = new Uri(_url + "/mcp"), TransportMode = HttpTransportMode.StreamableHttp }, http, loggerFactory: null, ownsHttpClient: true));
    }

    [McpServerToolType]
    private sealed class ReportTools
    {
        [McpServerTool(Name = "read_report"), Description("Reads a report.")]
        public static string Read(string name) => $"report {name}";

        [McpServerTool(Name = "delete_report"), Description("Deletes a report.")]
        public static string Delete(string name) => $"deleted {name}";

        [McpServerTool(Name = "secret_tool"), Description("Not listed.")]
        public static string Secret() => "secret";
    }
}
