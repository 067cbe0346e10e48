using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Caracal.Cli.CommandLine;
using Microsoft.Win32.SafeHandles;

namespace Caracal.Cli.Processes;

/// <summary>The advisory lock that keeps two stack commands apart (cli.md 5); a crashed holder frees it by dying.</summary>
internal sealed partial class StackLock : IDisposable
{
    private const int ReadOnly = 0;

    private readonly FileStream file;

    private StackLock(FileStream file) => this.file = file;

    public static StackLock Take(string path)
    {
        try
        {
            // FileShare.None is flock(LOCK_EX) on Unix and an exclusive open on Windows.
            var held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            held.SetLength(0);
            held.Write(Encoding.ASCII.GetBytes(System.Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
            held.Flush();
            return new StackLock(held);
        }
        catch (IOException) when (File.Exists(path))
        {
            throw new CommandFailure($"another caracal stack command is already running (pid {Holder(path)}); wait for it to finish");
        }
    }

    public void Dispose() => file.Dispose();

    // Opened by hand: .NET takes a shared lock on whatever it opens, and the holder's lock is exclusive.
    private static string Holder(string path)
    {
        if (OperatingSystem.IsWindows() || Open(path, ReadOnly) is var descriptor && descriptor < 0)
        {
            return "unknown";
        }

        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        Span<byte> text = stackalloc byte[16];
        var length = RandomAccess.Read(handle, text, 0);
        return length > 0 ? Encoding.ASCII.GetString(text[..length]) : "unknown";
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
