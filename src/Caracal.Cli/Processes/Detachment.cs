using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Caracal.Cli.Processes;

/// <summary>Starts this executable again as a background process: own session, no terminal, output to a file.</summary>
/// <remarks>
/// The runtime duplicates its standard streams before any of our code runs, so a caller that waits for the end of our
/// output would wait for the background process too. A shell therefore points the streams elsewhere and then becomes
/// the process; the session is left by the process itself.
/// </remarks>
internal static partial class Detachment
{
    private const string LogVariable = "CARACAL_DETACHED_LOG";
    private const string Become = "exec \"$0\" \"$@\" </dev/null >>\"$" + LogVariable + "\" 2>&1";

    /// <summary>In the child: leaves the session of whoever started it.</summary>
    public static void EnterIfAsked()
    {
        if (string.IsNullOrEmpty(System.Environment.GetEnvironmentVariable(LogVariable))) return;
        System.Environment.SetEnvironmentVariable(LogVariable, null);
        if (!OperatingSystem.IsWindows()) _ = NewSession();
    }

    /// <summary>In the parent: starts <paramref name="arguments"/> of this executable with exactly these variables.</summary>
    public static Process Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> variables, string logPath)
    {
        EnsureLog(logPath);
        var command = SelfCommand(arguments);
        var start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo(command[0], command[1..])
            : new ProcessStartInfo("/bin/sh", ["-c", Become, .. command]);
        start.UseShellExecute = false;
        start.Environment.Clear();
        foreach (var (name, value) in variables) start.Environment[name] = value;
        start.Environment[LogVariable] = logPath;
        return Process.Start(start) ?? throw new InvalidOperationException("the process did not start");
    }

    // Also when it runs under `dotnet caracal.dll`, or inside another program, which has us beside it.
    private static List<string> SelfCommand(IEnumerable<string> arguments)
    {
        var executable = System.Environment.ProcessPath ?? throw new InvalidOperationException("this process has no path");
        var assembly = typeof(Detachment).Assembly.Location;
        return Path.GetFileNameWithoutExtension(executable) switch
        {
            "dotnet" => [executable, assembly, .. arguments],
            "caracal" => [executable, .. arguments],
            _ => [Path.ChangeExtension(assembly, OperatingSystem.IsWindows() ? ".exe" : null), .. arguments],
        };
    }

    private static void EnsureLog(string path)
    {
        if (File.Exists(path)) return;
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var log = new FileStream(path, options);
    }

    [LibraryImport("libc", EntryPoint = "setsid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int NewSession();
}
