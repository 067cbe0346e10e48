using System.Globalization;
using Caracal.Hosting;

namespace Caracal.Stack;

/// <summary>The variables of a process: what the operator set, completed with what the roles of one process know about each other.</summary>
internal static class StackEnvironment
{
    public static IReadOnlyDictionary<string, string?> Complete(StackOptions options)
    {
        var variables = new Dictionary<string, string?>(options.Variables, StringComparer.Ordinal);
        if (options.Roles.Count > 1)
        {
            variables.Remove("PORT"); // It cannot mean several ports (operations.md 2.2).
        }

        var ports = StackPorts.Of(options.Variables, StackRoles.All);
        if (IsNear(StackRoles.Sts)) Default("ISSUER_URL", Value("CARACAL_STS_ISSUER_URL") ?? Url("localhost", StackRoles.Sts));
        if (StackRoles.Services.All(options.Roles.Contains)
            && Value("STS_URL") is null && Value("CARACAL_GATEWAY_URL") is null && Value("CARACAL_COORDINATOR_URL") is null)
        {
            // These are this very process on loopback, so plain http is no exposure in any mode.
            Default("CARACAL_ALLOW_INSECURE_CONFIG_URLS", "true");
        }

        foreach (var (name, role) in (ReadOnlySpan<(string, string)>)
            [("STS_URL", StackRoles.Sts), ("CARACAL_GATEWAY_URL", StackRoles.Gateway), ("CARACAL_COORDINATOR_URL", StackRoles.Coordinator), ("CARACAL_API_URL", StackRoles.Api)])
        {
            if (IsNear(role)) Default(name, Url("127.0.0.1", role));
        }

        // Control verifies tokens of the STS next door unless it is told of another.
        if (options.Roles.Contains(StackRoles.Sts) && options.Roles.Contains(StackRoles.Api))
        {
            Default("STS_ISSUER_URL", Value("ISSUER_URL")!);
            Default("STS_JWKS_URL", Value("STS_URL")!.TrimEnd('/') + "/.well-known/jwks.json");
        }

        foreach (var role in options.Roles.Where(StackRoles.Services.Contains))
        {
            Default(role.ToUpperInvariant() + "__AUDIT_REPLAY_DIR", Path.Combine(options.DataDirectory, "journal", role));
        }

        return variables;

        string? Value(string name) => variables.TryGetValue(name, out var value) && !string.IsNullOrEmpty(value) ? value : null;

        void Default(string name, string value)
        {
            if (Value(name) is null) variables[name] = value;
        }

        // Where a role of another process is, only dev may guess; elsewhere the operator says so, or the start is refused.
        bool IsNear(string role) =>
            options.Roles.Contains(role) || (CaracalModes.TryParse(Value("CARACAL_MODE"), out var mode) && !mode.IsPublished());

        string Url(string host, string role)
        {
            var isSecured = (Value(role.ToUpperInvariant() + "__TLS_CERT_FILE") ?? Value("TLS_CERT_FILE")) is not null;
            return $"{(isSecured ? "https" : "http")}://{host}:{ports[role].ToString(CultureInfo.InvariantCulture)}";
        }
    }
}
