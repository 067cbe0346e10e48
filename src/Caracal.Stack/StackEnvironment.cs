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
        Default("ISSUER_URL", Value("CARACAL_STS_ISSUER_URL") ?? Url(StackRoles.Sts));
        Default("STS_URL", Url(StackRoles.Sts));
        Default("CARACAL_GATEWAY_URL", Url(StackRoles.Gateway));
        Default("CARACAL_COORDINATOR_URL", Url(StackRoles.Coordinator));
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

        string Url(string role) => "http://localhost:" + ports[role].ToString(CultureInfo.InvariantCulture);
    }
}
