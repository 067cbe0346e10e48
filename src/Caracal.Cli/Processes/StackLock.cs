using System.Globalization;
using System.Text;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Processes;

/// <summary>The advisory lock that keeps two stack commands apart (cli.md 5); a crashed holder frees it by dying.</summary>
internal sealed class StackLock : IDisposable
{
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

    private static string Holder(string path)
    {
        try
        {
            using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            return reader.ReadToEnd() is { Length: > 0 } pid ? pid : "unknown";
        }
        catch (IOException)
        {
            return "unknown";
        }
    }
}
