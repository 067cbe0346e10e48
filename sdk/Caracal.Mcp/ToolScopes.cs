namespace Caracal.Mcp;

/// <summary>Which scopes each tool needs. What is not listed cannot be called.</summary>
public sealed class ToolScopes
{
    private readonly Dictionary<string, IReadOnlyList<string>> _tools = new(StringComparer.Ordinal);

    /// <summary>All of the scopes are needed; none means that any accepted mandate will do.</summary>
    public ToolScopes Require(string tool, params string[] scopes)
    {
        _tools[tool] = scopes;
        return this;
    }

    /// <summary>Null when the caller may use the tool; else the code and the scopes that are missing.</summary>
    internal string? Refusal(string tool, IReadOnlyCollection<string> held) =>
        !_tools.TryGetValue(tool, out var needed) ? $"tool_not_permitted: {tool}"
        : needed.Where(scope => !held.Contains(scope)).ToList() is { Count: > 0 } missing ? $"insufficient_scope: {tool} needs {string.Join(' ', missing)}"
        : null;
}
