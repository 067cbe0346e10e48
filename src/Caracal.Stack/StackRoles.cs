namespace Caracal.Stack;

/// <summary>The roles a process may play, in the order in which they start.</summary>
public static class StackRoles
{
    public const string Audit = "audit";
    public const string Sts = "sts";
    public const string Coordinator = "coordinator";
    public const string Api = "api";
    public const string Gateway = "gateway";
    public const string Console = "console";

    /// <summary>The services: what keeps its state in a store. Evidence first, the door last: nothing is answered before its event can be kept.</summary>
    public static IReadOnlyList<string> Services { get; } = [Audit, Sts, Coordinator, Api, Gateway];

    /// <summary>The services, and the console that shows them.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Services, Console];

    /// <summary>The port a role listens on unless told otherwise (DESIGN, Processes).</summary>
    public static int DefaultPort(string role) => role switch
    {
        Sts => 8080,
        Gateway => 8081,
        Coordinator => 4000,
        Api => 3000,
        Audit => 9090,
        Console => 3001,
        _ => throw new ArgumentException($"there is no role '{role}'", nameof(role)),
    };
}
