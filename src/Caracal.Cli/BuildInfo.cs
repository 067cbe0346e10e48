using System.Reflection;

namespace Caracal.Cli;

/// <summary>What was stamped into this binary (cli.md 1).</summary>
/// <param name="Version">Release version, or <c>&lt;base&gt;-dev.sha&lt;sha&gt;</c>.</param>
/// <param name="Mode"><c>dev</c>, <c>rc</c> or <c>stable</c>.</param>
/// <param name="Sha">Short commit id; <c>local</c> when the sources carry none.</param>
internal sealed record BuildInfo(string Version, string Mode, string Sha)
{
    public static BuildInfo Current { get; } = Read(typeof(BuildInfo).Assembly);

    /// <summary>Derives the stamp from the informational version (<c>1.0.0+commit</c>) and the release property.</summary>
    public static BuildInfo From(string informationalVersion, string? release)
    {
        var plus = informationalVersion.IndexOf('+', StringComparison.Ordinal);
        var sha = plus < 0 ? "local" : informationalVersion[(plus + 1)..];
        sha = sha.Length > 7 && sha != "local" ? sha[..7] : sha;
        if (!string.IsNullOrEmpty(release))
        {
            return new BuildInfo(release, release.Contains("-rc.", StringComparison.Ordinal) ? "rc" : "stable", sha);
        }

        var baseVersion = plus < 0 ? informationalVersion : informationalVersion[..plus];
        return new BuildInfo($"{baseVersion}-dev.sha{sha}", "dev", sha);
    }

    private static BuildInfo Read(Assembly assembly) => From(
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0",
        assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => a.Key == "CaracalRelease")?.Value);
}
