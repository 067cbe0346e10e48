using System.Runtime.InteropServices;

namespace Caracal.Evidence.Journals;

/// <summary>What a folder needs beside the fsync of its files.</summary>
public static partial class DurableFolder
{
    /// <summary>Makes a new or removed file name itself survive a power cut.</summary>
    public static void Sync(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(path, 0);
        if (descriptor < 0) throw new IOException($"the folder {path} could not be opened");
        var result = Fsync(descriptor);
        _ = Close(descriptor);
        if (result != 0) throw new IOException($"the folder {path} could not be synced");
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
