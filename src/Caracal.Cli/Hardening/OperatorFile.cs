using Caracal.Cli.Environment;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Hardening;

/// <summary>Changes to the operator's <c>caracal.env</c>, the one place of settings that is ours to write.</summary>
/// <remarks>What stands in the environment of a process, a compose file or a chart is somebody else's; there only advice is given.</remarks>
internal static class OperatorFile
{
    /// <summary>Takes out the assignments of a setting, for any role, whose value is refused.</summary>
    public static IReadOnlyList<Change> RemoveWhere(Deployment deployment, string name, Func<string, bool> refused)
    {
        var path = deployment.Paths.OperatorVariables;
        if (!File.Exists(path)) return [];
        return [.. VariableFile.Parse(File.ReadAllText(path), out _)
            .Where(pair => IsAbout(pair.Key, name) && refused(pair.Value))
            .Select(pair => pair.Key).Distinct(StringComparer.Ordinal)
            .Select(key => new Change($"take {key} out of {path}", () => Remove(path, key)))];
    }

    /// <summary>Takes every assignment of one variable out of the file.</summary>
    public static void Remove(string path, string key)
    {
        var kept = File.ReadAllText(path).Split('\n').Where(line => !VariableFile.Parse(line, out _).Any(pair => pair.Key == key));
        SecretFolder.WriteOwnerOnly(path, System.Text.Encoding.UTF8.GetBytes(string.Join('\n', kept)));
    }

    private static bool IsAbout(string key, string name) => key == name || key.EndsWith("__" + name, StringComparison.Ordinal);
}
