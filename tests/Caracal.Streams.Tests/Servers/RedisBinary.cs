using System.Diagnostics;

namespace Caracal.Streams.Tests.Servers;

/// <summary>Finds <c>redis-server</c>, and on a Debian machine where it is missing installs it.</summary>
internal static class RedisBinary
{
    // RUNLEVEL=1 keeps the package from starting a server of its own.
    private const string Install =
        "export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1; "
        + "apt-get -o DPkg::Lock::Timeout=300 update -q && "
        + "apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends redis-server";

    private static readonly Lazy<Task<string>> Found = new(FindOrInstallAsync);

    public static Task<string> PathAsync => Found.Value;

    private static async Task<string> FindOrInstallAsync()
    {
        if (Find() is { } path)
        {
            return path;
        }

        var start = new ProcessStartInfo("/bin/sh", ["-c", Install]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await output;
        await process.WaitForExitAsync();
        return Find() ?? throw new InvalidOperationException(
            "These tests need redis-server (7.0 or newer) on the PATH, and it could not be installed: " + errors);
    }

    private static string? Find() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/bin")
            .Select(folder => Path.Combine(folder, "redis-server")).FirstOrDefault(File.Exists);
}
