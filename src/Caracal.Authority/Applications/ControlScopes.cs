namespace Caracal.Authority.Applications;

/// <summary>The 30 scopes of the Control catalog (control.md 5), sorted.</summary>
public static class ControlScopes
{
    private static readonly string[] FullNouns = ["app", "grant", "identity-provider", "policy", "policy-set", "resource", "session", "workload"];

    private static readonly string[] ReadNouns = ["approval", "audit", "authority-record", "explain"];

    /// <summary>Every scope a control key may hold.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        .. FullNouns.SelectMany(noun => new[] { $"control:{noun}:delete", $"control:{noun}:read", $"control:{noun}:write" })
            .Concat(ReadNouns.Select(noun => $"control:{noun}:read"))
            .Concat(["control:delegation:delete", "control:delegation:read"])
            .Order(StringComparer.Ordinal),
    ];
}
