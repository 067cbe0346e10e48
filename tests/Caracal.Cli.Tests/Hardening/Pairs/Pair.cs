namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>One fault: the good deployment passes the check, and the deployment with exactly this fault does not.</summary>
/// <param name="Check">Id of the hardening check, or name of the doctor's.</param>
/// <param name="Status">What it then is: <c>fail</c> or <c>warn</c>.</param>
/// <param name="Says">Part of the detail.</param>
/// <param name="Break">Makes the fault.</param>
internal sealed record Pair(string Check, string Status, string Says, Action<GoodDeployment> Break)
{
    /// <summary>Makes a part good that the shared deployment lacks.</summary>
    public Action<GoodDeployment>? Arrange { get; init; }

    /// <summary>True where the fault is that something cannot be looked at: that is no pass, either.</summary>
    public bool Unseen { get; init; }

    /// <summary>Other checks that the same fault fails by what they are: one secret in a plain variable is no key from a file, either.</summary>
    public string[] Also { get; init; } = [];
}
