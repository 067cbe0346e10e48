using System.ComponentModel;
using Caracal.AspNetCore;
using Caracal.Mcp;
using Caracal.Sdk;
using Caracal.Verifier;
using Caracal.Verifier.Revocations;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Caracal.Samples;

/// <summary>An MCP server whose tools need scopes, and a client that reaches it through the Gateway.</summary>
internal static class McpTools
{
    public static async Task RunAsync(SampleStack stack)
    {
        var zone = await stack.ZoneAsync("mcp");
        var builder = SampleStack.NewServer();
        builder.Services.AddCaracal(_ => new MandateVerifierOptions
        {
            Issuer = SampleStack.StsUrl,
            Audience = "resource://reports",
            ZoneId = zone,
            Revocations = new InMemoryRevocationStore(),
        });
        builder.Services.AddMcpServer().WithHttpTransport(http => http.Stateless = true).WithTools<ReportTools>()
            .WithCaracalTools(tools => tools.Require("read_report", "reports:read").Require("delete_report", "reports:delete"));
        await using var server = builder.Build();
        server.UseAuthentication();
        server.UseAuthorization();
        server.MapCaracalMcp("/mcp", new ProtectedResource("resource://reports", [SampleStack.StsUrl], ["reports:read", "reports:delete"]));
        var (_, options) = await stack.PrepareAsync("mcp", await SampleStack.StartAsync(server), ["reports:read", "reports:delete"]);

        await using var caracal = CaracalClient.FromOptions(options);
        await using var client = await McpClient.CreateAsync(caracal.CreateMcpTransport("resource://reports", "/mcp", "reports:read"));
        Console.WriteLine($"tools: {string.Join(", ", (await client.ListToolsAsync()).Select(tool => tool.Name))}");
        var read = await client.CallToolAsync("read_report", new Dictionary<string, object?> { ["name"] = "q3" });
        Console.WriteLine($"read_report: {((TextContentBlock)read.Content[0]).Text}");
        try
        {
            await client.CallToolAsync("delete_report", new Dictionary<string, object?> { ["name"] = "q3" });
        }
        catch (McpException refused)
        {
            Console.WriteLine($"delete_report: {refused.Message[refused.Message.IndexOf("insufficient", StringComparison.Ordinal)..]}");
        }
    }

    [McpServerToolType]
    private sealed class ReportTools
    {
        [McpServerTool(Name = "read_report"), Description("Reads a report.")]
        public static string Read(string name) => $"report {name}";

        [McpServerTool(Name = "delete_report"), Description("Deletes a report.")]
        public static string Delete(string name) => $"deleted {name}";
    }
}
