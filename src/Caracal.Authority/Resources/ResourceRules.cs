using Caracal.Authority.Zones;
using Caracal.Protocol;

namespace Caracal.Authority.Resources;

/// <summary>An operation as it is stored: upper-case method, trimmed path.</summary>
public sealed record ResourceOperation(string Method, string Path, string Scope);

/// <summary>Operations that keep the rules, or the refusal.</summary>
public sealed record ResourceOperationsResult(IReadOnlyList<ResourceOperation> Operations, Refusal? Refusal);

/// <summary>The field rules of resources (api.md 8).</summary>
public static class ResourceRules
{
    public const string Enforced = "enforced";
    public const string TransportUniform = "transport_uniform";

    private const string Prefix = "resource://";

    private static readonly Refusal MethodAndPath = new(400, "operation_method_and_path_required");
    private static readonly Refusal AbsolutePath = new(400, "operation_path_must_be_absolute");
    private static readonly Refusal UnknownScope = new(400, "operation_scope_not_in_resource_scopes");
    private static readonly Refusal Duplicate = new(400, "operation_duplicate");

    /// <summary>An absolute URI of 1 to 512 characters whose scheme is not <c>provider</c> and that names no user.</summary>
    public static bool IsIdentifier(string text) =>
        text.Length is > 0 and <= 512
        && !text.Any(char.IsWhiteSpace)
        && Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && text.Contains(':', StringComparison.Ordinal)
        && !text.StartsWith('/')
        && uri.Scheme != "provider"
        && uri.UserInfo.Length == 0;

    /// <summary>An http or https URL with a host.</summary>
    public static bool IsUpstreamUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
        && uri.Host.Length > 0;

    /// <summary>The identifier a resource gets when its caller sends none; a name that already is one stands alone.</summary>
    public static IEnumerable<string> Candidates(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal)
            ? [name]
            : Slugs.Candidates(Slugs.From(name, "resource")).Select(slug => Prefix + slug);

    /// <summary>Normalises operations and holds them against the resource's scopes.</summary>
    public static ResourceOperationsResult Operations(IEnumerable<ResourceOperation> operations, IReadOnlyCollection<string> scopes)
    {
        var normal = new List<ResourceOperation>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var operation in operations)
        {
            var method = operation.Method.Trim().ToUpperInvariant();
            var path = operation.Path.Trim();
            if (method.Length == 0 || path.Length == 0) return new([], MethodAndPath);
            if (path[0] != '/') return new([], AbsolutePath);
            if (!scopes.Contains(operation.Scope)) return new([], UnknownScope);
            if (!seen.Add($"{method} {path}")) return new([], Duplicate);
            normal.Add(new ResourceOperation(method, path, operation.Scope));
        }

        return new(normal, null);
    }
}
