using Caracal.Cli.CommandLine;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Environment;

/// <summary>What a command's environment is before it runs (cli.md 3.1, 3.2).</summary>
internal static class OperatorEnvironment
{
    private static readonly string[] DirectoryFiles = [".env", ".env.local", ".env.production", ".env.development"];

    public static ProcessVariables Load(ProcessVariables variables, Terminal terminal)
    {
        variables = Scrub(variables, Directory.GetCurrentDirectory());
        foreach (var path in Files(variables).Distinct(StringComparer.Ordinal))
        {
            variables = Fill(variables, path, terminal);
        }

        return variables;
    }

    /// <summary>A dotenv of the directory we happen to run in is never trusted: what it set is unset again.</summary>
    internal static ProcessVariables Scrub(ProcessVariables variables, string directory)
    {
        foreach (var path in DirectoryFiles.Select(name => Path.Combine(directory, name)))
        {
            if (ReadOrNull(path) is not { } text) continue;
            foreach (var (name, value) in VariableFile.Parse(text, out _))
            {
                if (name.StartsWith("CARACAL_", StringComparison.Ordinal) && variables[name] == value) variables = variables.Without(name);
            }
        }

        return variables;
    }

    private static IEnumerable<string> Files(ProcessVariables variables)
    {
        if (variables["CARACAL_ENV_FILE"] is { } file) yield return file;
        if (IsDevelopment(variables))
        {
            if (variables["CARACAL_REPO_ROOT"] is not { } root) yield break;
            yield return Path.Combine(root, ".env");
            yield return Path.Combine(root, "deploy", "compose", "local.env");
            yield return Path.Combine(root, "deploy", "compose", "dev.env");
        }
        else
        {
            yield return new CaracalPaths(variables).OperatorVariables;
        }
    }

    private static bool IsDevelopment(ProcessVariables variables) =>
        variables["NODE_ENV"] != "production"
        && (variables["CARACAL_MODE"] is { } mode ? string.Equals(mode.Trim(), "dev", StringComparison.OrdinalIgnoreCase) : variables.Has("CARACAL_REPO_ROOT"));

    private static ProcessVariables Fill(ProcessVariables variables, string path, Terminal terminal)
    {
        if (ReadOrNull(path) is not { } text) return variables;
        var assignments = VariableFile.Parse(text, out var malformed);
        if (malformed > 0) terminal.Warning($"{path}: {malformed} line(s) are not KEY=VALUE and were skipped");
        RefuseExposedSecrets(path, assignments);
        foreach (var (name, value) in assignments) variables = variables.WithDefault(name, value);
        return variables;
    }

    private static void RefuseExposedSecrets(string path, IReadOnlyList<KeyValuePair<string, string>> assignments)
    {
        if (OperatingSystem.IsWindows()) return;
        var others = File.GetUnixFileMode(path) & (UnixFileMode)0b000_111_111;
        if (others == UnixFileMode.None) return;
        var secret = assignments.FirstOrDefault(pair => pair.Value.Length > 0 && SecretNames.Contains(pair.Key)).Key;
        if (secret is not null)
        {
            throw new CommandFailure($"{path} holds {secret} and others can read it; make it owner-only (chmod 600)");
        }
    }

    /// <summary>True for a variable whose value opens something.</summary>
    public static bool IsSecret(string name) => SecretNames.Contains(name) || SecretNames.Contains(name.EndsWith("_FILE", StringComparison.Ordinal) ? name[..^5] : name);

    private static HashSet<string> SecretNames { get; } =
    [
        .. SecretFiles.Generated.Select(file => file.Variable),
        SecretFiles.ZoneKekAlias, SecretFiles.StsAdminToken, SecretFiles.AuditAdminToken,
        "DATABASE_URL", "REDIS_URL", "BOOTSTRAP_ADMIN_TOKEN", "CONTROL_API_TOKEN", "CARACAL_SMTP_URL",
        "GOOGLE_CLIENT_SECRET", "GITHUB_CLIENT_SECRET", "CARACAL_VAULT_TOKEN", "CARACAL_INFISICAL_TOKEN",
        "CARACAL_AZURE_CLIENT_SECRET", "CARACAL_CUSTOM_SECRETS_TOKEN", "CARACAL_WORKLOAD_SECRET",
        "CARACAL_APP_CLIENT_SECRET", "CARACAL_BOOTSTRAP_TOKEN",
    ];

    private static string? ReadOrNull(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
