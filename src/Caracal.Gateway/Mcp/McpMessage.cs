using System.Collections.Frozen;
using System.Text;
using System.Text.Json;

namespace Caracal.Gateway.Mcp;

/// <summary>What one MCP message asks for: a method of the protocol, and what it names.</summary>
/// <param name="Method">For example <c>tools/call</c>.</param>
/// <param name="Name">The tool, prompt or resource; null where the method names none.</param>
internal sealed record McpMessage(string Method, string? Name)
{
    /// <summary>Longest operation, as long as a declared one can be.</summary>
    private const int LongestOperation = 512;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };
    private static readonly FrozenSet<string> Members = FrozenSet.Create(StringComparer.Ordinal, "jsonrpc", "id", "method", "params");

    /// <summary>How a resource declares it: the method, and behind a slash what it names.</summary>
    public string Operation => Name is null ? Method : $"{Method}/{Name}";

    /// <summary>
    /// The message that a body holds; null when it holds anything but one message that every reader reads alike: no batch, no
    /// answer, no member twice or in other letters.
    /// </summary>
    public static McpMessage? TryRead(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Strict);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || root.EnumerateObject().Any(member => !Members.Contains(member.Name))) return null;
            if (!root.TryGetProperty("method", out var method) || method.ValueKind != JsonValueKind.String || method.GetString() is not { Length: > 0 } text) return null;
            if (NamingMember(text) is not { } naming) return Bounded(new McpMessage(text, null));
            if (!root.TryGetProperty("params", out var parameters) || parameters.ValueKind != JsonValueKind.Object) return null;
            if (parameters.EnumerateObject().Any(member => member.Name != naming && member.Name.Equals(naming, StringComparison.OrdinalIgnoreCase))) return null;
            return parameters.TryGetProperty(naming, out var name) && name.ValueKind == JsonValueKind.String && name.GetString() is { Length: > 0 } named
                ? Bounded(new McpMessage(text, named))
                : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null; // No JSON, or a text that is no Unicode.
        }
    }

    /// <summary>The value of <c>Mcp-Name</c>, which may be wrapped as <c>=?base64?…?=</c>; null when that is broken.</summary>
    public static string? Unwrap(string header)
    {
        if (!header.StartsWith("=?base64?", StringComparison.Ordinal) || !header.EndsWith("?=", StringComparison.Ordinal)) return header;
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Convert.FromBase64String(header["=?base64?".Length..^2]));
        }
        catch (Exception fault) when (fault is FormatException or ArgumentException)
        {
            return null;
        }
    }

    private static McpMessage? Bounded(McpMessage message) => message.Operation.Length <= LongestOperation ? message : null;

    private static string? NamingMember(string method) => method switch
    {
        "tools/call" or "prompts/get" => "name",
        "resources/read" or "resources/subscribe" or "resources/unsubscribe" => "uri",
        _ => null,
    };
}
