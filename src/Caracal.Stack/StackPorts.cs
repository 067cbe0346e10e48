using System.Globalization;

namespace Caracal.Stack;

/// <summary>Which port each role of a shared process listens on: <c>&lt;ROLE&gt;__PORT</c>, else its own default; plain <c>PORT</c> is ignored there (operations.md 2.2).</summary>
public static class StackPorts
{
    public static IReadOnlyDictionary<string, int> Of(IReadOnlyDictionary<string, string?> variables, IReadOnlyList<string> roles) =>
        roles.ToDictionary(
            role => role,
            role => variables.TryGetValue(role.ToUpperInvariant() + "__PORT", out var text)
                && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65_535
                    ? port
                    : StackRoles.DefaultPort(role),
            StringComparer.Ordinal);
}
