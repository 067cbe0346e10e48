using System.Globalization;

namespace Caracal.Stack;

/// <summary>The variables of a shared process: what the operator set, completed with what the roles of one process know about each other.</summary>
internal static class StackEnvironment
{
    public static IReadOnlyDictionary<string, string?> Complete(StackOptions options)
    {
        var variables = new Dictionary<string, string?>(options.Variables, StringComparer.Ordinal);
        if (options.Roles.Count > 1)
        {
            variables.Remove("PORT"); // It cannot mean five ports (operations.md 2.2).
        }

        var ports = StackPorts.Of(options.Variables, StackRoles.All);
        Default("ISSUER_URL", Value("CARACAL_STS_ISSUER_URL") ?? Url("localhost", StackRoles.Sts));
        if (Value("STS_URL") is null && Value("CARACAL_GATEWAY_URL") is null && Value("CARACAL_COORDINATOR_URL") is null)
        {
            // These are this very process on loopback, so plain http is no exposure in any mode.
            Default("CARACAL_ALLOW_INSECURE_CONFIG_URLS", "true");
        }

        Default("STS_URL", Url("127.0.0.1", StackRoles.Sts));
        Default("CARACAL_GATEWAY_URL", Url("127.0.0.1", StackRoles.Gateway));
        Default("CARACAL_COORDINATOR_URL", Url("127.0.0.1", StackRoles.Coordinator));
        foreach (var role in options.Roles)
        {
            Default(role.ToUpperInvariant() + "__AUDIT_REPLAY_DIR", Path.Combine(options.DataDirectory, "journal", role));
        }

        return variables;

        string? Value(string name) => variables.TryGetValue(name, out var value) && !string.IsNullOrEmpty(value) ? value : null;

        void Default(string name, string value)
        {
            if (Value(name) is null) variables[name] = value;
        }

        string Url(string host, string role) => $"http://{host}:{ports[role].ToString(CultureInfo.InvariantCulture)}";
    }
}
