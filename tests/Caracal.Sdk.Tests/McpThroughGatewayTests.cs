using System.ComponentModel;
using System.Net;
using System.Security.Cryptography;
using Caracal.Admin;
using Caracal.Mcp;
using Caracal.Sdk.Tests.Stacks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Caracal.Sdk.Tests;

/// <summary>A server and a client of the official C# SDK; the server knows nothing of Caracal, the Gateway judges every tool.</summary>
public sealed class McpThroughGatewayTests(EmbeddedStack stack) : IClassFixture<EmbeddedStack>
{
    private const string Resource = "resource://reports-mcp";
    private const string Read = "reports:read";
    private const string Delete = "reports:delete";

    [Fact]
    public async Task A_tool_is_called_with_its_scope_and_refused_without_it_and_without_a_declaration()
    {
        await using var server = await ServerAsync();
        var options = await PrepareAsync(server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        await using var caracal = CaracalClient.FromOptions(options);

        await using (var reader = await McpClient.CreateAsync(caracal.CreateMcpTransport(Resource, "/mcp", Read)))
        {
            Assert.Contains("read_report", (await reader.ListToolsAsync()).Select(tool => tool.Name));
            Assert.Equal("report q3", await CallAsync(reader, "read_report"));
            Assert.Contains("403", (await Assert.ThrowsAnyAsync<Exception>(() => CallAsync(reader, "delete_report"))).ToString(), StringComparison.Ordinal);
            Assert.Contains("403", (await Assert.ThrowsAnyAsync<Exception>(() => CallAsync(reader, "undeclared"))).ToString(), StringComparison.Ordinal);
        }

        await using (var editor = await McpClient.CreateAsync(caracal.CreateMcpTransport(Resource, "/mcp", Read, Delete)))
        {
            Assert.Equal("deleted q3", await CallAsync(editor, "delete_report"));
            Assert.Contains("403", (await Assert.ThrowsAnyAsync<Exception>(() => CallAsync(editor, "undeclared"))).ToString(), StringComparison.Ordinal);
        }

        // A client that says nothing in its headers, or something else than its body, gets nowhere.
        using var http = new HttpClient(caracal.CreateApplicationHandler(Resource, new ApplicationTransportOptions { Scopes = [Read] }));
        const string Body = """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_report","arguments":{"name":"q3"}}}""";
        Assert.Equal(HttpStatusCode.Forbidden, await PostAsync(http, caracal, Body, null, null));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(http, caracal, Body, "tools/call", "read_report"));
        Assert.Equal(["read_report", "delete_report"], Tools.Called);
    }

    private static async Task<string> CallAsync(McpClient client, string tool) =>
        ((TextContentBlock)(await client.CallToolAsync(tool, new Dictionary<string, object?> { ["name"] = "q3" })).Content[0]).Text;

    private static async Task<HttpStatusCode> PostAsync(HttpClient http, CaracalClient caracal, string body, string? method, string? name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, caracal.GatewayRequest(Resource, "/mcp").Url) { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        if (method is not null) request.Headers.Add("Mcp-Method", method);
        if (name is not null) request.Headers.Add("Mcp-Name", name);
        using var answer = await http.SendAsync(request);
        return answer.StatusCode;
    }

    private async Task<CaracalOptions> PrepareAsync(string upstream)
    {
        using var admin = new AdminClient(new AdminOptions { ApiUrl = stack.ApiUrl, AdminToken = stack.AdminToken });
        var zone = admin.In((await admin.EnsureZoneAsync("mcp")).Id);
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var application = await zone.EnsureApplicationAsync("assistant", secret);
        await zone.EnsureResourceAsync(new ResourceSpec("Reports", Resource)
        {
            UpstreamUrl = upstream,
            Scopes = [Read, Delete],
            CredentialProviderId = await zone.EnsureMandateProviderAsync("Mandates", "provider://mandates"),
            Operations = [new Operation("MCP", "/mcp/tools/call/read_report", Read), new Operation("MCP", "/mcp/tools/call/delete_report", Delete)],
            OperationEnforcement = "enforced",
        });
        Grant[] grants = [new(application, Resource, [Read, Delete])];
        await zone.EnsureActivePolicySetAsync("grants", "main", GrantsDocument.Write(grants));
        return stack.Options with { ZoneId = zone.ZoneId, ApplicationId = application, ClientSecret = secret, Resources = [new ResourceBinding(Resource, null)] };
    }

    private static async Task<WebApplication> ServerAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddMcpServer().WithHttpTransport(http => http.Stateless = true).WithTools<Tools>();
        var server = builder.Build();
        server.MapMcp("/mcp");
        await server.StartAsync();
        return server;
    }

    [McpServerToolType]
    private sealed class Tools
    {
        public static List<string> Called { get; } = [];

        [McpServerTool(Name = "read_report"), Description("Reads a report.")]
        public static string Read(string name) => Count("read_report", $"report {name}");

        [McpServerTool(Name = "delete_report"), Description("Deletes a report.")]
        public static string Delete(string name) => Count("delete_report", $"deleted {name}");

        [McpServerTool(Name = "undeclared"), Description("Nobody declared this.")]
        public static string Undeclared(string name) => Count("undeclared", name);

        private static string Count(string tool, string answer)
        {
            Called.Add(tool);
            return answer;
        }
    }
}
