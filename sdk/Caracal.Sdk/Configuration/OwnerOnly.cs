namespace Caracal.Sdk.Configuration;

/// <summary>Files that hold secrets are read only when nobody but their owner can (sdk.md 2).</summary>
internal static class OwnerOnly
{
    private const UnixFileMode Others = (UnixFileMode)0b000_111_111;
    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    public static string ReadSecret(string path)
    {
        if (!File.Exists(path)) throw new CaracalConfigurationException($"secret file not found: {path}");
        RequireUnshared(path);
        return File.ReadAllText(path).Trim() is { Length: > 0 } text ? text : throw new CaracalConfigurationException($"secret file is empty: {path}");
    }

    public static void RequireUnshared(string path)
    {
        if (Has(path, Others, out var mode))
        {
            throw new CaracalConfigurationException($"secret file permissions are too broad: {path} is 0o{mode}; make it owner-only (chmod 600)");
        }
    }

    public static void RequireUnwritable(string path)
    {
        if (Has(path, OthersWrite, out var mode))
        {
            throw new CaracalConfigurationException($"{path} is 0o{mode}: others can change it; make it owner-only (chmod 600)");
        }
    }

    private static bool Has(string path, UnixFileMode bits, out string mode)
    {
        mode = "";
        if (OperatingSystem.IsWindows()) return false;
        var found = File.GetUnixFileMode(path);
        mode = Convert.ToString((int)found, 8);
        return (found & bits) != UnixFileMode.None;
    }
}
