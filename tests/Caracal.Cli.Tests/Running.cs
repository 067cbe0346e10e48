using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;

namespace Caracal.Cli.Tests;

/// <summary>Runs the command line in this process, with an environment and a home of its own.</summary>
internal sealed class Running : IDisposable
{
    private readonly DirectoryInfo home = Directory.CreateTempSubdirectory("caracal-cli-");
    private readonly Dictionary<string, string?> variables = new(StringComparer.Ordinal);

    public Running(params (string Name, string? Value)[] variables)
    {
        this.variables["CARACAL_HOME"] = Home;
        this.variables["HOME"] = Home;
        foreach (var (name, value) in variables) this.variables[name] = value;
    }

    public string Home => home.FullName;

    public ProcessVariables Variables => new(variables);

    public void Set(string name, string? value) => variables[name] = value;

    public async Task<(int Exit, string Output, string Error)> RunAsync(params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit = await Dispatcher.RunAsync(words, Variables, new Terminal(output, error));
        return (exit, output.ToString(), error.ToString());
    }

    public string Write(string name, string text, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        var path = Path.Combine(Home, name);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, mode);
        return path;
    }

    public void Dispose() => home.Delete(recursive: true);
}
