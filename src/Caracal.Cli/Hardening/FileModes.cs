namespace Caracal.Cli.Hardening;

/// <summary>Who may read what is on disk.</summary>
internal static class FileModes
{
    private const UnixFileMode Others = (UnixFileMode)0b000_111_111;
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerFolder = OwnerFile | UnixFileMode.UserExecute;

    /// <summary>True when group or world may do anything with it.</summary>
    public static bool IsOpen(string path) => !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != UnixFileMode.None;

    /// <summary>The mode as people write it.</summary>
    public static string Text(string path) =>
        OperatingSystem.IsWindows() ? "" : $"0{Convert.ToString((int)File.GetUnixFileMode(path) & 0x1FF, 8)}";

    /// <summary>Closes a file or folder to everybody but its owner.</summary>
    public static Change Close(string path)
    {
        var wanted = Directory.Exists(path) ? OwnerFolder : OwnerFile;
        return new Change($"chmod {(wanted == OwnerFolder ? "700" : "600")} {path}", () =>
        {
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, wanted);
        });
    }
}
