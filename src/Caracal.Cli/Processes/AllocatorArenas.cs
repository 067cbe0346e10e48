using System.Runtime.InteropServices;

namespace Caracal.Cli.Processes;

/// <summary>The arenas of the C library's allocator, which SQLite, OpenSSL and the runtime itself allocate from.</summary>
internal static partial class AllocatorArenas
{
    private const int ArenaMax = -8; // M_ARENA_MAX of malloc.h
    private const int Most = 2;

    /// <summary>
    /// No more than two from now on, whatever the number of cores: each keeps what was freed in it, and by default there are eight for
    /// a core. Returns whether the allocator knows the setting; one that does not has no such arenas.
    /// </summary>
    public static bool Limit()
    {
        try
        {
            return OperatingSystem.IsLinux() && SetOption(ArenaMax, Most) != 0;
        }
        catch (EntryPointNotFoundException)
        {
            return false; // not glibc
        }
    }

    // mallopt(3)
    [LibraryImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetOption(int option, int value);
}
