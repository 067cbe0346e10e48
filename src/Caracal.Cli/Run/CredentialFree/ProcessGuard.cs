using System.Runtime.InteropServices;

namespace Caracal.Cli.Run.CredentialFree;

/// <summary>What the launcher asks of Linux, so that the child can neither read it nor leave it.</summary>
internal static partial class ProcessGuard
{
    private const int SetDumpable = 4;
    private const int SetChildSubreaper = 36;

    /// <summary>
    /// Other processes of this user can no longer read our memory and environment; and whatever the child starts stays our
    /// descendant, also when its own parent has ended. False when the system refuses.
    /// </summary>
    public static bool Enter() => Control(SetChildSubreaper, 1, 0, 0, 0) == 0 && Control(SetDumpable, 0, 0, 0, 0) == 0;

    [LibraryImport("libc", EntryPoint = "prctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(int option, nuint first, nuint second, nuint third, nuint fourth);
}
