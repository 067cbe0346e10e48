using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Caracal.Cli.Processes;

/// <summary>A process beyond doubt: a pid alone may have been given to another process since.</summary>
/// <param name="Pid">Process id.</param>
/// <param name="Started">When the kernel says it started; compared as text, never interpreted.</param>
internal sealed partial record ProcessIdentity(int Pid, string Started)
{
    private const int TerminateSignal = 15;

    /// <summary>The identity of a running process; null when there is none (a zombie counts as none).</summary>
    public static ProcessIdentity? Of(int pid)
    {
        if (OperatingSystem.IsLinux())
        {
            return ProcStat.Read(pid) is { IsAlive: true } stat ? new ProcessIdentity(pid, stat.StartTicks.ToString(CultureInfo.InvariantCulture)) : null;
        }

        try
        {
            using var process = Process.GetProcessById(pid);
            return process.HasExited ? null : new ProcessIdentity(pid, process.StartTime.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture));
        }
        catch (Exception fault) when (fault is ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    public bool IsRunning => Of(Pid) == this;

    /// <summary>Asks for an orderly end. False when the process is gone.</summary>
    public bool Terminate()
    {
        if (!OperatingSystem.IsWindows()) return Send(TerminateSignal);
        if (!IsRunning) return false;
        using var process = Process.GetProcessById(Pid);
        process.Kill(entireProcessTree: true);
        return true;
    }

    /// <summary>Sends a signal. False when the process is gone.</summary>
    public bool Send(int signal) => IsRunning && Kill(Pid, signal) == 0;

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int pid, int signal);
}
