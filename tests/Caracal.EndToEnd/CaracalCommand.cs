using System.Diagnostics;
using Caracal.Stack;

namespace Caracal.EndToEnd;

/// <summary>The built executable, run as a user runs it: a process of its own, with a home of its own.</summary>
internal sealed class CaracalCommand : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo home = Directory.CreateTempSubdirectory("caracal-e2e-");
    private readonly Dictionary<string, string?> variables = new(StringComparer.Ordinal);

    public string Home => Path.Combine(home.FullName, "home");

    public string Folder => home.FullName;

    public string Database => Path.Combine(Home, "data", "caracal.db");

    /// <summary>A variable of every run from now on.</summary>
    public CaracalCommand With(string name, string? value)
    {
        variables[name] = value;
        return this;
    }

    /// <summary>Free ports for every role.</summary>
    public CaracalCommand WithFreePorts()
    {
        foreach (var (name, port) in FreePorts.Variables()) With(name, port);
        return this;
    }

    /// <summary>Runs to the end.</summary>
    public Task<(int Exit, string Output, string Error)> RunAsync(params string[] words) => RunWithInputAsync(null, words);

    /// <summary>Runs to the end with a text as standard input; null leaves it alone.</summary>
    public async Task<(int Exit, string Output, string Error)> RunWithInputAsync(string? input, params string[] words)
    {
        using var process = Start(words, input is not null);
        if (input is not null)
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }

        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, await output, await error);
    }

    /// <summary>Starts and leaves running; both outputs are redirected.</summary>
    public Process Start(params string[] words) => Start(words, input: false);

    private Process Start(string[] words, bool input)
    {
        // Whoever runs the tests in the background has SIGINT ignored, and a process inherits that.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", Executable]) { RedirectStandardInput = input, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var word in words) start.ArgumentList.Add(word);
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("CARACAL_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["CARACAL_HOME"] = Home;
        start.Environment["XDG_CONFIG_HOME"] = Path.Combine(home.FullName, "config");
        start.WorkingDirectory = home.FullName;
        foreach (var (name, value) in variables) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    public void Dispose() => home.Delete(recursive: true);

    private static string Executable
    {
        get
        {
            var configuration = AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug";
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder!.FullName, "Caracal.slnx"))) folder = folder.Parent;
            return Path.Combine(folder.FullName, "src", "Caracal.Cli", "bin", configuration, "net10.0", "caracal");
        }
    }
}
