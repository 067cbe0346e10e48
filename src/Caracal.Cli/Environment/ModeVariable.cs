using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Environment;

/// <summary><c>CARACAL_MODE</c> as commands read it (cli.md 3.4).</summary>
internal static class ModeVariable
{
    /// <summary>The set mode; null when unset.</summary>
    public static string? Read(ProcessVariables variables)
    {
        var text = variables["CARACAL_MODE"];
        return text?.Trim().ToLowerInvariant() switch
        {
            null => null,
            "dev" or "rc" or "stable" => text.Trim().ToLowerInvariant(),
            _ => throw new CommandFailure($"CARACAL_MODE must be 'dev', 'rc', or 'stable' (got '{text}')"),
        };
    }
}
