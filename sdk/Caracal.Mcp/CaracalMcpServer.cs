using System.Security.Claims;
using Caracal.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ModelContextProtocol;

namespace Caracal.Mcp;

/// <summary>How an MCP server is protected.</summary>
public static class CaracalMcpServer
{
    /// <summary>Judges every call of a tool by the caller's mandate, and lists only what the caller may call.</summary>
    public static IMcpServerBuilder WithCaracalTools(this IMcpServerBuilder builder, Action<ToolScopes> configure)
    {
        var tools = new ToolScopes();
        configure(tools);
        return builder.WithRequestFilters(filters =>
        {
            filters.AddCallToolFilter(next => (request, cancellationToken) => tools.Refusal(request.Params?.Name ?? "", Held(request.User)) is { } refusal
                ? throw new McpProtocolException(refusal, McpErrorCode.InvalidRequest)
                : next(request, cancellationToken));
            filters.AddListToolsFilter(next => async (request, cancellationToken) =>
            {
                var result = await next(request, cancellationToken);
                var held = Held(request.User);
                result.Tools = [.. result.Tools.Where(tool => tools.Refusal(tool.Name, held) is null)];
                return result;
            });
        });
    }

    /// <summary>Maps the server; every message needs a mandate, and RFC 9728 metadata says whose.</summary>
    public static IEndpointConventionBuilder MapCaracalMcp(this WebApplication application, string pattern, ProtectedResource resource)
    {
        var described = application.MapProtectedResource(pattern, resource);
        return application.MapMcp(pattern).RequireMandate().WithProtectedResource(described);
    }

    // A message without an accepted mandate holds nothing.
    private static HashSet<string> Held(ClaimsPrincipal? user) =>
        user?.Identity is { IsAuthenticated: true } ? [.. user.FindAll("scope").Select(claim => claim.Value)] : [];
}
