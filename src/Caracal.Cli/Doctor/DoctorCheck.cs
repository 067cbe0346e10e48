using Caracal.Cli.Hardening;

namespace Caracal.Cli.Doctor;

/// <summary>One question of <c>caracal doctor</c> (operations.md 5.1).</summary>
/// <param name="Section"><c>health</c>, <c>readiness</c>, <c>zones</c>, <c>preflight</c> or <c>keys</c>.</param>
/// <param name="Name">What is asked.</param>
/// <param name="Advice">What to do when the answer is not ok.</param>
/// <param name="InspectAsync">Asks, and changes nothing.</param>
internal sealed record DoctorCheck(string Section, string Name, string Advice, Func<Deployment, CancellationToken, Task<Finding>> InspectAsync)
{
    /// <summary>The check of <c>caracal harden</c> that asks the same; null for a question of its own.</summary>
    public string? SameAs { get; init; }
}

/// <summary>A question and its answer.</summary>
internal sealed record DoctorResult(DoctorCheck Check, Finding Finding);
