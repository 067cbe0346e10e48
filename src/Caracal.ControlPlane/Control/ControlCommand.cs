namespace Caracal.ControlPlane.Control;

/// <summary>One command of the catalogue (control.md 5).</summary>
/// <param name="Noun">For example <c>app</c>.</param>
/// <param name="Subcommand">Empty for a command without subcommands.</param>
/// <param name="Summary">One line for people.</param>
/// <param name="Flags">Names without dashes.</param>
/// <param name="RunAsync">Executes.</param>
internal sealed record ControlCommand(string Noun, string Subcommand, string Summary, string[] Flags, Func<ControlCall, Task<ControlOutcome>> RunAsync)
{
    private static readonly string[] Readers =
        ["list", "get", "tree", "tail", "active", "inbound", "outbound", "traverse", "validate", "simulate", "admin"];

    /// <summary>False for commands whose scopes follow from what they touch.</summary>
    public bool HasOwnScope { get; init; } = true;

    /// <summary>Whether it may change something whatever its flags say.</summary>
    public bool Writes => HasOwnScope && Verb != "read";

    public string? Scope => HasOwnScope ? $"control:{Noun}:{Verb}" : null;

    private string Verb => Noun == "explain" || Readers.Contains(Subcommand) ? "read"
        : Subcommand is "delete" or "terminate" or "revoke" ? "delete"
        : "write";
}
