using System.Globalization;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;

namespace Caracal.Cli.Run;

/// <summary>What a child sees of the launcher's environment: a short list, and nothing that opens anything (cli.md 6.6).</summary>
internal static class ChildEnvironment
{
    private static readonly HashSet<string> Inherited = new(StringComparer.OrdinalIgnoreCase)
    {
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "LANG", "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "CI",
        "NODE_ENV", "CARACAL_ENV", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "USERPROFILE", "HOMEDRIVE",
        "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "SYSTEMROOT", "WINDIR", "COMSPEC",
    };

    public static Dictionary<string, string> Inherit(ProcessVariables variables, Terminal terminal)
    {
        var passed = Passed(variables, terminal);
        return variables.All
            .Where(pair => pair.Value is not null && (Inherited.Contains(pair.Key) || pair.Key.StartsWith("LC_", StringComparison.OrdinalIgnoreCase) || passed.Contains(pair.Key)))
            .ToDictionary(pair => pair.Key, pair => pair.Value!, StringComparer.Ordinal);
    }

    /// <summary>Adds the credentials, and when each of them ends.</summary>
    public static void Add(Dictionary<string, string> child, IReadOnlyList<(LaunchBinding Binding, LaunchCredential Credential)> credentials)
    {
        foreach (var (binding, credential) in credentials) child[binding.Env] = credential.Value;
        foreach (var (binding, credential) in credentials)
        {
            var name = binding.Env + "_EXPIRES_AT";
            if (credential.ExpiresAt is { } end && credentials.All(other => other.Binding.Env != name))
            {
                child[name] = end.ToString(CultureInfo.InvariantCulture);
            }
        }
    }

    private static HashSet<string> Passed(ProcessVariables variables, Terminal terminal)
    {
        var passed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in (variables["CARACAL_RUN_PASS_ENV"] ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (CredentialNames.IsBlocked(name) || OperatorEnvironment.IsSecret(name)) terminal.WriteError($"CARACAL_RUN_PASS_ENV: {name} is never passed on\n");
            else passed.Add(name);
        }

        return passed;
    }
}
