namespace Caracal.Stack.Hardening;

/// <summary>What one hardening check found (operations.md 5.2).</summary>
/// <param name="Id">For example <c>H-TLS-3</c>.</param>
/// <param name="Status"><c>ok</c>, <c>warn</c>, <c>fail</c> or <c>not_evaluated</c>.</param>
/// <param name="Detail">What was seen; never a secret.</param>
public sealed record InspectedCheck(string Id, string Status, string Detail)
{
    public const string Failed = "fail";
    public const string NotEvaluated = "not_evaluated";

    /// <summary>Every status there is.</summary>
    public static IReadOnlyList<string> Statuses { get; } = ["ok", "warn", Failed, NotEvaluated];
}
