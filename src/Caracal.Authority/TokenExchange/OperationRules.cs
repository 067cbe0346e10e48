using System.Collections.Frozen;

namespace Caracal.Authority.TokenExchange;

/// <summary>The operation floor of an enforced resource (sts.md 2.2 step 4). No policy can relax it.</summary>
public static class OperationRules
{
    /// <summary>The method of an operation that is one of MCP: <c>MCP /mcp/tools/call/echo</c> is the tool echo of the server at <c>/mcp</c>.</summary>
    public const string Mcp = "MCP";

    // What every client has to ask before it knows what there is; it names nothing.
    private static readonly FrozenSet<string> AskedFirst = FrozenSet.Create(
        StringComparer.Ordinal,
        "initialize", "server/discover", "ping", "notifications/initialized", "notifications/cancelled", "notifications/progress", "tools/list",
        "prompts/list", "resources/list", "resources/templates/list");

    /// <summary>
    /// True when a declared operation has this method and exact path, and its scope is one of the mandate's. Where the
    /// resource declares operations of MCP below the path, a POST to it is one of those or nothing.
    /// </summary>
    /// <param name="resource">With its operations.</param>
    /// <param name="method">The caller's.</param>
    /// <param name="path">Decoded.</param>
    /// <param name="mcpOperation">What an MCP message asks for; null for any other call.</param>
    /// <param name="mandateScopes">Of the mandate that is spent.</param>
    public static bool Permits(ExchangeResource resource, string? method, string? path, string? mcpOperation, IReadOnlyList<string> mandateScopes)
    {
        if (!resource.OperationsEnforced)
        {
            return true;
        }

        if (string.IsNullOrWhiteSpace(method) || string.IsNullOrWhiteSpace(path))
        {
            return false;
        }

        // Nobody speaks this method over HTTP: it is ours, for what a message asks for.
        if (string.Equals(method, Mcp, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        if (string.Equals(method, "POST", StringComparison.OrdinalIgnoreCase) && SpeaksMcp(resource, path))
        {
            if (mcpOperation is null)
            {
                return false;
            }

            if (AskedFirst.Contains(mcpOperation))
            {
                return mandateScopes.Count > 0;
            }

            (method, path) = (Mcp, $"{path}/{mcpOperation}");
        }

        // Nothing is trimmed off the request: what goes upstream is these very bytes.
        foreach (var operation in resource.Operations)
        {
            if (string.Equals(method, operation.Method, StringComparison.OrdinalIgnoreCase)
                && string.Equals(path, operation.Path, StringComparison.Ordinal)
                && Scopes.Contains(mandateScopes, operation.Scope))
            {
                return true;
            }
        }

        return false;
    }

    private static bool SpeaksMcp(ExchangeResource resource, string path)
    {
        foreach (var operation in resource.Operations)
        {
            if (operation.Method == Mcp && operation.Path.Length > path.Length && operation.Path[path.Length] == '/' && operation.Path.StartsWith(path, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
