using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Caracal.Cli.Processes;

/// <summary>Starts this executable again as a background process: own session, no terminal, output to a file.</summary>
/// <remarks>.NET starts children in the parent's session with the parent's output, so the child leaves both by itself before it prints.</remarks>
internal static partial class Detachment
{
    private const string LogVariable = "CARACAL_DETACHED_LOG";
    private const int WriteOnly = 1;
    private const int ReadOnly = 0;

    /// <summary>In the child: leaves the session and points standard streams at the log.</summary>
    public static void EnterIfAsked()
    {
        var log = System.Environment.GetEnvironmentVariable(LogVariable);
        if (string.IsNullOrEmpty(log)) return;
        System.Environment.SetEnvironmentVariable(LogVariable, null);
        if (OperatingSystem.IsWindows()) return;

        _ = NewSession();
        Point("/dev/null", ReadOnly, 0);
        if (OperatingSystem.IsLinux())
        {
            const int append = 0x400;
            Point(log, WriteOnly | append, 1);
            Point(log, WriteOnly | append, 2);
        }
        else
        {
            const int appendBsd = 0x8;
            Point(log, WriteOnly | appendBsd, 1);
            Point(log, WriteOnly | appendBsd, 2);
        }
    }

    /// <summary>In the parent: starts <paramref name="arguments"/> of this executable with exactly these variables.</summary>
    public static Process Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> variables, string logPath)
    {
        EnsureLog(logPath);
        var start = SelfStart(arguments);
        start.Environment.Clear();
        foreach (var (name, value) in variables) start.Environment[name] = value;
        start.Environment[LogVariable] = logPath;
        return Process.Start(start) ?? throw new InvalidOperationException("the process did not start");
    }

    /// <summary>How to start this executable again, also when it runs under <c>dotnet caracal.dll</c>.</summary>
    public static ProcessStartInfo SelfStart(IEnumerable<string> arguments)
    {
        var executable = System.Environment.ProcessPath ?? throw new InvalidOperationException("this process has no path");
        var start = new ProcessStartInfo(executable) { UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(executable) == "dotnet") start.ArgumentList.Add(typeof(Detachment).Assembly.Location);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return start;
    }

    private static void EnsureLog(string path)
    {
        if (File.Exists(path)) return;
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var log = new FileStream(path, options);
    }

    private static void Point(string path, int flags, int descriptor)
    {
        var opened = Open(path, flags);
        if (opened < 0) return;
        _ = Duplicate(opened, descriptor);
        _ = Close(opened);
    }

    [LibraryImport("libc", EntryPoint = "setsid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int NewSession();

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "dup2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Duplicate(int from, int to);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
