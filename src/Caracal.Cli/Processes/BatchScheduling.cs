using System.Globalization;
using System.Runtime.InteropServices;

namespace Caracal.Cli.Processes;

/// <summary>Linux's <c>SCHED_BATCH</c>: a thread of this class that is woken puts nobody aside; it runs as soon as a core is free, or its turn has come.</summary>
internal static partial class BatchScheduling
{
    private const int SchedBatch = 3; // sched.h
    private const int CallingThread = 0;
    private const string SocketThread = ".NET Sockets"; // as the runtime names them
    private const string OwnThreads = "/proc/self/task";

    /// <summary>Puts the calling thread into the class, where the system has it and allows it.</summary>
    public static void Enter()
    {
        if (OperatingSystem.IsLinux()) _ = SetScheduler(CallingThread, SchedBatch, priority: 0);
    }

    /// <summary>
    /// Puts the runtime's threads that wait for sockets into the class, once the process listens. Woken for every message, such a
    /// thread otherwise puts aside the worker that it will hand the next message to.
    /// </summary>
    public static void EnterSocketThreads()
    {
        if (!OperatingSystem.IsLinux() || !Directory.Exists(OwnThreads)) return; // Without /proc a service serves all the same.
        foreach (var folder in Directory.GetDirectories(OwnThreads).Where(folder => NameOf(folder) == SocketThread))
        {
            // Refused, as some sandboxes do, they stay as they were. Threads that they start are of the usual class: the runtime sets it.
            _ = SetScheduler(int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture), SchedBatch, priority: 0);
        }
    }

    private static string? NameOf(string threadFolder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(threadFolder, "comm")).TrimEnd('\n');
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null; // ended meanwhile
        }
    }

    // sched_setscheduler(2)
    [LibraryImport("libc", EntryPoint = "sched_setscheduler")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetScheduler(int thread, int policy, in int priority);
}
