namespace Caracal.Cli.Hardening;

/// <summary>One line of the hardening list (operations.md 5.2).</summary>
/// <param name="Id">For example <c>H-TLS-3</c>.</param>
/// <param name="Name">What is looked at, in a few words.</param>
/// <param name="Setting">The setting or object that decides it.</param>
/// <param name="Expected">How it should be.</param>
/// <param name="Consequence">What follows when it is not.</param>
/// <param name="Advice">What to do then.</param>
/// <param name="InspectAsync">Looks, and changes nothing.</param>
internal sealed record Check(
    string Id,
    string Name,
    string Setting,
    string Expected,
    string Consequence,
    string Advice,
    Func<Deployment, CancellationToken, Task<Finding>> InspectAsync)
{
    /// <summary>True for a check that can fail; false for one that can only warn.</summary>
    public bool Required { get; init; } = true;

    /// <summary>True for the list that must hold before first traffic (R114).</summary>
    public bool BeforeTraffic { get; init; }

    /// <summary>What would mend it here; empty where only a person can.</summary>
    public Func<Deployment, IReadOnlyList<Change>> Repairs { get; init; } = _ => [];

    /// <summary>A check that needs nothing but variables and files.</summary>
    public static Func<Deployment, CancellationToken, Task<Finding>> Look(Func<Deployment, Finding> inspect) =>
        (deployment, _) => Task.FromResult(inspect(deployment));
}

/// <summary>One thing that <c>harden --fix</c> can do.</summary>
/// <param name="Plan">What it will do, as a sentence without secrets.</param>
/// <param name="Apply">Does it.</param>
internal sealed record Change(string Plan, Action Apply);

/// <summary>A check and what it found.</summary>
internal sealed record CheckResult(Check Check, Finding Finding);
