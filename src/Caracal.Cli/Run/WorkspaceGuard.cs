using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Run;

/// <summary>Operator secrets that lie in the workspace are within the child's reach; nothing is launched beside them (cli.md 6.1).</summary>
internal static class WorkspaceGuard
{
    private const int Deepest = 6;
    private const int MostEntries = 50_000;

    private static readonly HashSet<string> Names = [.. SecretFiles.Generated.Select(file => file.FileName), "secretStoreKek"];
    private static readonly string[] Skipped = [".git", "node_modules", "bin", "obj", ".venv"];

    public static void Check(ProcessVariables variables, string directory)
    {
        if (variables["CARACAL_RUN_ALLOW_WORKSPACE_SECRETS"] == "true" || RootOf(variables, directory) is not { } root) return;
        var left = MostEntries;
        if (Find(new DirectoryInfo(root), 0, ref left) is { } found)
        {
            throw new CommandFailure($"refusing to run workload while workspace operator secrets are present; move {found} out of {root}");
        }
    }

    private static string? RootOf(ProcessVariables variables, string directory)
    {
        if (variables["CARACAL_REPO_ROOT"] is { } stated && Directory.Exists(stated)) return Path.GetFullPath(stated);
        for (var folder = new DirectoryInfo(directory); folder is not null; folder = folder.Parent)
        {
            if (Path.Exists(Path.Combine(folder.FullName, ".git"))) return folder.FullName;
        }

        return null;
    }

    private static string? Find(DirectoryInfo folder, int depth, ref int left)
    {
        var entries = new List<FileSystemInfo>();
        try
        {
            entries.AddRange(folder.EnumerateFileSystemInfos().Take(left));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null; // the child runs as we do: what we cannot read it cannot either
        }

        left -= entries.Count;
        foreach (var entry in entries)
        {
            if (entry is FileInfo { Length: > 0 } file && Names.Contains(file.Name)) return file.FullName;
        }

        foreach (var entry in entries.OfType<DirectoryInfo>())
        {
            if (left <= 0 || depth >= Deepest || entry.LinkTarget is not null || Skipped.Contains(entry.Name)) continue;
            if (Find(entry, depth + 1, ref left) is { } found) return found;
        }

        return null;
    }
}
