using System.Text.Json;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Commands;

/// <summary><c>caracal version [--json]</c> (cli.md 1.1).</summary>
internal static class VersionCommand
{
    public static int Run(Arguments arguments, Terminal terminal)
    {
        var build = BuildInfo.Current;
        if (arguments.IsOn("json"))
        {
            terminal.Line($$"""{"binary":"caracal","version":{{Quoted(build.Version)}},"mode":"{{build.Mode}}","sha":{{Quoted(build.Sha)}}}""");
            return 0;
        }

        terminal.Line("Caracal");
        terminal.Line($"  {"binary",-8} caracal");
        terminal.Line($"  {"version",-8} {build.Version}");
        terminal.Line($"  {"mode",-8} {build.Mode}");
        terminal.Line($"  {"sha",-8} {build.Sha}");
        return 0;
    }

    private static string Quoted(string text) => JsonSerializer.Serialize(text);
}
