using System.Text.RegularExpressions;

namespace Caracal.Cli.Run;

/// <summary>Names a credential may have in the child's environment (cli.md 6.3): never one that loads code into it.</summary>
internal static partial class CredentialNames
{
    private static readonly HashSet<string> Loaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "NODE_OPTIONS", "BUN_OPTIONS", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "DYLD_LIBRARY_PATH",
        "PATH", "BASH_ENV", "ENV", "PYTHONSTARTUP", "PYTHONPATH", "PERL5OPT", "RUBYOPT", "JAVA_TOOL_OPTIONS",
        "DOTNET_STARTUP_HOOKS", "GIT_SSH_COMMAND",
    };

    public static bool IsBlocked(string name) =>
        Loaders.Contains(name) || name.StartsWith("CARACAL_", StringComparison.OrdinalIgnoreCase);

    /// <summary>What is wrong with the names of a manifest; null for nothing.</summary>
    public static string? Problem(IEnumerable<string> names)
    {
        var seen = new HashSet<string>(OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (IsBlocked(name)) return $"blocked credential env '{name}'";
            if (!Shape().IsMatch(name)) return $"invalid credential env '{name}'";
            if (!seen.Add(name)) return $"duplicate credential env '{name}'";
        }

        return null;
    }

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]*\z")]
    private static partial Regex Shape();
}
