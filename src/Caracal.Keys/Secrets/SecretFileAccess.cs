namespace Caracal.Keys.Secrets;

/// <summary>Who else may touch the file of a secret or of a private key (cli.md 2.2); texts name the path and the fix, never the content.</summary>
/// <remarks>
/// Services read files that others projected for them: mode 0444 behind a closed folder, or a Kubernetes volume, whose
/// files are links and whose root folder everybody may write with the sticky bit set. So only what lets another user
/// replace the content is a problem; what lets another user read it is a warning.
/// </remarks>
public static class SecretFileAccess
{
    private const UnixFileMode OthersMayWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const UnixFileMode OthersMayRead = UnixFileMode.OtherRead;

    /// <summary>Why another user could replace the content, or null. Also null for what has no mode: a missing file, a pipe, Windows.</summary>
    public static string? Problem(string path)
    {
        if (ModeOf(path) is not { } mode) return null;
        if ((mode & OthersMayWrite) != UnixFileMode.None) return $"{path} is {Octal(mode)}: other users may change it; chmod go-w";

        var real = RealPath(path);
        foreach (var folder in new[] { Path.GetDirectoryName(Path.GetFullPath(path)), Path.GetDirectoryName(real) }.Distinct(StringComparer.Ordinal))
        {
            if (folder is not null && ModeOf(folder) is { } open && (open & OthersMayWrite) != UnixFileMode.None && !open.HasFlag(UnixFileMode.StickyBit))
            {
                return $"{path} is in {folder}, which is {Octal(open)}: other users may replace it; chmod go-w";
            }
        }

        return null;
    }

    /// <summary>Why every user of the machine could read the content, or null: the file is open to all and so is each folder above it.</summary>
    public static string? Warning(string path)
    {
        if (ModeOf(path) is not { } mode || (mode & OthersMayRead) == UnixFileMode.None) return null;
        for (var folder = Path.GetDirectoryName(RealPath(path)); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (ModeOf(folder) is { } above && !above.HasFlag(UnixFileMode.OtherExecute)) return null;
        }

        return $"{path} is {Octal(mode)}: every user of this machine can read it; chmod 600";
    }

    private static UnixFileMode? ModeOf(string path)
    {
        if (OperatingSystem.IsWindows()) return null;
        try
        {
            return File.GetUnixFileMode(RealPath(path));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string RealPath(string path)
    {
        try
        {
            return Path.GetFullPath(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return Path.GetFullPath(path);
        }
    }

    private static string Octal(UnixFileMode mode) => "0o" + Convert.ToString((int)mode & 0x1FF, 8);
}
