using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Environment;

/// <summary>Reads a secret file that only its owner may read (cli.md 2.2).</summary>
internal static class SecretFileReader
{
    private const UnixFileMode Others = (UnixFileMode)0b000_111_111;

    public static string Read(string path)
    {
        var full = Path.GetFullPath(path);
        if (!File.Exists(full)) throw new CommandFailure($"secret file not found: {full}");
        RefuseStrayLink(full);
        if (!OperatingSystem.IsWindows())
        {
            var mode = File.GetUnixFileMode(full);
            if ((mode & Others) != UnixFileMode.None)
            {
                throw new CommandFailure($"secret file permissions are too broad: {full} is 0o{Convert.ToString((int)mode, 8)}; make it owner-only (chmod 600)");
            }
        }

        try
        {
            return File.ReadAllText(full).Trim() is { Length: > 0 } text ? text : throw new CommandFailure($"secret file is empty: {full}");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailure($"secret file cannot be read: {full}");
        }
    }

    // Kubernetes projects secrets as links inside the folder; a link out of it was put there by somebody else.
    private static void RefuseStrayLink(string path)
    {
        if (new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true) is not { } target) return;
        var folder = Path.GetDirectoryName(path)! + Path.DirectorySeparatorChar;
        if (!target.FullName.StartsWith(folder, StringComparison.Ordinal))
        {
            throw new CommandFailure($"secret file is a link out of its folder: {path}");
        }
    }
}
