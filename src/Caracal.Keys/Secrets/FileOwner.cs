using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Caracal.Keys.Secrets;

// .NET does not tell a file's owner. Linux does through statx, whose layout is the same on every processor;
// elsewhere a folder we may chmod is ours, because the kernel allows that to the owner and to root only.
[UnsupportedOSPlatform("windows")]
internal static partial class FileOwner
{
    private const int CurrentDirectory = -100;
    private const uint WantUid = 0x8;
    private const int UidAt = 20;

    public static void RequireOurs(string directory)
    {
        if (!IsOurs(directory))
        {
            throw new SecretFolderException($"secrets folder belongs to another user: {directory}; use one you own");
        }
    }

    private static bool IsOurs(string directory)
    {
        if (OperatingSystem.IsLinux())
        {
            Span<byte> status = stackalloc byte[256];
            if (Statx(CurrentDirectory, directory, 0, WantUid, status) == 0)
            {
                return BitConverter.ToUInt32(status[UidAt..]) == EffectiveUser();
            }
        }

        try
        {
            File.SetUnixFileMode(directory, File.GetUnixFileMode(directory));
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Statx(int directory, string path, int flags, uint mask, Span<byte> status);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint EffectiveUser();
}
