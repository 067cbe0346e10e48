using System.Diagnostics;

namespace Caracal.TestKit;

/// <summary>Packages from npm that stand against ours: independent readers, and servers others wrote. Installed once per machine and version.</summary>
public static class NodePackages
{
    /// <summary>The folder whose <c>node_modules</c> holds the packages, such as <c>hyparquet@1.33.0</c>.</summary>
    public static async Task<string> InstallAsync(params string[] packages)
    {
        var name = string.Concat(string.Join('-', packages).Select(c => char.IsAsciiLetterOrDigit(c) || c == '.' ? c : '-'));
        var folder = Path.Combine(Path.GetTempPath(), $"caracal-node-{Environment.UserName}", name);
        Directory.CreateDirectory(folder);
        var done = Path.Combine(folder, "installed");

        // Test projects run side by side: one installs, the others wait for it.
        await using var turn = await WaitAsync(Path.Combine(folder, "lock"));
        if (File.Exists(done)) return folder;
        await File.WriteAllTextAsync(Path.Combine(folder, "package.json"), """{"private":true,"type":"module"}""");
        var (code, output) = await RunAsync("npm", folder, ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error", .. packages]);
        if (code != 0) throw new InvalidOperationException($"npm could not install {string.Join(' ', packages)} (Debian: nodejs, npm): {output}");
        await File.WriteAllTextAsync(done, "");
        return folder;
    }

    /// <summary>Runs a program to its end; what it says on both streams, one after the other.</summary>
    public static async Task<(int Code, string Output)> RunAsync(string program, string folder, IReadOnlyList<string> arguments)
    {
        using var process = Start(program, folder, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }

    /// <summary>Starts a program; its caller reads and ends it.</summary>
    public static Process Start(string program, string folder, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception fault)
        {
            throw new InvalidOperationException($"{program} is needed (Debian: nodejs, npm)", fault);
        }
    }

    private static async Task<FileStream> WaitAsync(string path)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (!limit.IsCancellationRequested)
            {
                await Task.Delay(100, limit.Token);
            }
        }
    }
}
