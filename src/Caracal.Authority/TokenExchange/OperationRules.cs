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

    // Behind these comes what they name, which may hold slashes itself.
    private static readonly string[] Naming = ["/tools/call/", "/prompts/get/", "/resources/read/", "/resources/subscribe/", "/resources/unsubscribe/"];

    /// <summary>
    /// True when a declared operation has this method and exact path, and its scope is one of the mandate's. Where the
    /// path is that of a server of MCP, because the resource declares operations of it, a POST to it is one of those or nothing.
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
            return mcpOperation is not null
                && (AskedFirst.Contains(mcpOperation) ? mandateScopes.Count > 0 : PermitsMcp(resource, path, mcpOperation, mandateScopes));
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
            if (IsOfServer(operation, path))
            {
                return true;
            }
        }

        return false;
    }

    private static bool PermitsMcp(ExchangeResource resource, string path, string mcpOperation, IReadOnlyList<string> mandateScopes)
    {
        foreach (var operation in resource.Operations)
        {
            if (IsOfServer(operation, path)
                && operation.Path.AsSpan(ServerLength(operation.Path) + 1).SequenceEqual(mcpOperation)
                && Scopes.Contains(mandateScopes, operation.Scope))
            {
                return true;
            }
        }

        return false;
    }

    // The server at the root is at "/" for the caller, and nothing precedes its operations.
    private static bool IsOfServer(ResourceOperation operation, string path)
    {
        if (!string.Equals(operation.Method, Mcp, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var length = ServerLength(operation.Path);
        return length == 0 ? path == "/" : length > 0 && operation.Path.AsSpan(0, length).SequenceEqual(path);
    }

    // Where the server's path ends in a declared one, which is read in one way only: were every prefix a server, a message
    // would reach paths nobody declared. Any method that is not known here has two segments, and they are the last.
    private static int ServerLength(string declared)
    {
        var end = int.MaxValue;
        foreach (var naming in Naming)
        {
            var at = declared.IndexOf(naming, StringComparison.Ordinal);
            end = at >= 0 && at + naming.Length < declared.Length ? Math.Min(end, at) : end;
        }

        if (end != int.MaxValue)
        {
            return end;
        }

        foreach (var asked in AskedFirst)
        {
            var at = declared.Length - asked.Length - 1;
            end = at >= 0 && declared[at] == '/' && declared.EndsWith(asked, StringComparison.Ordinal) ? Math.Min(end, at) : end;
        }

        if (end != int.MaxValue)
        {
            return end;
        }

        var last = declared.LastIndexOf('/');
        return last > 0 ? declared.LastIndexOf('/', last - 1) : -1;
    }
}
