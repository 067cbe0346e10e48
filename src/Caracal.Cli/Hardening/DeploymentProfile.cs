using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Hardening;

/// <summary>How services are run, and so which checks can hold there (<c>--profile</c>).</summary>
/// <param name="Name">The word on the command line; null when none was given.</param>
/// <param name="Elsewhere">How the ids of checks begin that can only hold elsewhere.</param>
internal sealed record DeploymentProfile(string? Name, IReadOnlyList<string> Elsewhere)
{
    private static readonly DeploymentProfile[] Known =
    [
        new("compose", ["H-K8S-1"]), // H-K8S-2 looks for secrets in rendered objects, those of compose too
        new("kubernetes", []),
        new("external", ["H-CTR-", "H-K8S-"]),
    ];

    public static DeploymentProfile Of(string? name) => name is null ? new DeploymentProfile(null, [])
        : Known.FirstOrDefault(profile => profile.Name == name)
        ?? throw new CommandFailure($"--profile must be one of {string.Join(", ", Known.Select(profile => profile.Name))}");

    public IReadOnlyList<Check> Applicable(IReadOnlyList<Check> checks) =>
        [.. checks.Where(check => !Elsewhere.Any(start => check.Id.StartsWith(start, StringComparison.Ordinal)))];
}
