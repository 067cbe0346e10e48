using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Run;

/// <summary>The child: started without a shell, given the launcher's signals, its end passed on (cli.md 6.7).</summary>
internal static partial class ChildProcess
{
    private const int NotFound = 127;

    private static readonly (PosixSignal Signal, int Number)[] Forwarded =
    [
        (PosixSignal.SIGINT, 2), (PosixSignal.SIGTERM, 15), (PosixSignal.SIGHUP, 1), (PosixSignal.SIGQUIT, 3),
    ];

    /// <summary>Runs to the end and returns the exit code; 128+N when a signal ended it.</summary>
    /// <param name="words">Program and arguments, verbatim.</param>
    /// <param name="variables">The whole environment of the child; emptied once it runs.</param>
    /// <param name="quiet">What it says is dropped.</param>
    public static async Task<int> RunAsync(IReadOnlyList<string> words, Dictionary<string, string> variables, bool quiet = false)
    {
        if (words.Any(word => word.Contains('\0', StringComparison.Ordinal))) throw new CommandFailure("an argument holds a NUL character");
        var start = new ProcessStartInfo(Resolve(words[0], variables.GetValueOrDefault("PATH"))) { UseShellExecute = false, RedirectStandardOutput = quiet, RedirectStandardError = quiet };
        foreach (var word in words.Skip(1)) start.ArgumentList.Add(word);
        start.Environment.Clear();
        foreach (var (name, value) in variables) start.Environment[name] = value;

        // Registered first, or a signal that comes while the child starts ends the launcher and leaves the child alone.
        var running = new TaskCompletionSource<int>();
        var registrations = Forwarded.Select(pair => PosixSignalRegistration.Create(pair.Signal, signal => Forward(signal, running.Task, pair.Number))).ToList();
        try
        {
            using var child = Spawn(start, words[0]);
            start.Environment.Clear();
            variables.Clear();
            running.SetResult(child.Id);
            if (quiet)
            {
                child.BeginOutputReadLine();
                child.BeginErrorReadLine();
            }

            await child.WaitForExitAsync(CancellationToken.None);
            return child.ExitCode;
        }
        finally
        {
            registrations.ForEach(registration => registration.Dispose());
        }
    }

    private static Process Spawn(ProcessStartInfo start, string name)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Exception fault) when (fault is Win32Exception or IOException)
        {
            throw new CommandFailure($"failed to start {name}: {(fault as Win32Exception)?.NativeErrorCode switch { 2 => "not found", 13 => "permission denied", _ => fault.Message }}", NotFound);
        }
    }

    // The runtime would look beside our executable and in the working directory first; only PATH says what a bare name means.
    private static string Resolve(string name, string? path)
    {
        if (OperatingSystem.IsWindows()) return name;
        if (name.Contains('/', StringComparison.Ordinal)) return Path.GetFullPath(name);
        foreach (var folder in (path ?? "/usr/local/bin:/usr/bin:/bin").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            var candidate = Path.Combine(folder, name);
            if (Path.IsPathRooted(candidate) && File.Exists(candidate) && (File.GetUnixFileMode(candidate) & (UnixFileMode)0b001_001_001) != UnixFileMode.None) return candidate;
        }

        throw new CommandFailure($"failed to start {name}: not found", NotFound);
    }

    private static void Forward(PosixSignalContext context, Task<int> child, int number)
    {
        context.Cancel = true;
        if (OperatingSystem.IsWindows()) return; // a console delivers to every process in it
        var hasIt = child.IsCompleted && context.Signal is PosixSignal.SIGINT or PosixSignal.SIGQUIT && SharesTerminal();
        if (!hasIt) _ = child.ContinueWith(running => Kill(running.Result, number), TaskScheduler.Default);
    }

    // The terminal signals its whole foreground group: the child has had it already.
    private static bool SharesTerminal() => ForegroundGroup(0) is var group and > 0 && group == OwnGroup();

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "tcgetpgrp")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ForegroundGroup(int descriptor);

    [LibraryImport("libc", EntryPoint = "getpgrp")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int OwnGroup();
}
