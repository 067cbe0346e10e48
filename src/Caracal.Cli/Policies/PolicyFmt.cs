using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Rego;

namespace Caracal.Cli.Policies;

/// <summary><c>caracal policy fmt</c>: modules in the one form.</summary>
internal static class PolicyFmt
{
    public static int Run(CommandContext context)
    {
        var arguments = context.Arguments;
        arguments.RequireKnown("json", "check", "write", "syntax");
        var (check, write) = (arguments.IsOn("check"), arguments.IsOn("write"));
        if (check && write) throw new CommandFailure("--check changes nothing and --write does: choose one");
        var modules = PolicySources.Modules([.. arguments.Operands.Skip(1)]);
        if (!check && !write && !context.Json && modules.Count > 1) throw new CommandFailure("several files: say --check or --write");
        if (write && arguments.Operands.Contains("-")) throw new CommandFailure("standard input cannot be written; leave out --write");

        var results = modules.Select(m => (Module: m, Format: RegoFormatter.Format(m.Source, PolicySources.Syntax(arguments), m.Name))).ToList();
        var report = new SourceReport(modules);
        if (write)
        {
            foreach (var (module, format) in results)
            {
                if (format.Succeeded && format.Text != module.Source) Replace(module.Name, format.Text);
            }
        }

        if (context.Json) context.Terminal.Write(Json(results, write, report));
        else Print(context.Terminal, results, check, write, report);
        return results.TrueForAll(r => r.Format.Succeeded && (!check || r.Format.Text == r.Module.Source)) ? 0 : 1;
    }

    private static void Print(Terminal terminal, List<(RegoModule Module, RegoFormatting Format)> results, bool check, bool write, SourceReport report)
    {
        foreach (var (module, format) in results)
        {
            if (!format.Succeeded)
            {
                foreach (var error in format.Errors) report.Print(terminal, error);
            }
            else if (!check && !write)
            {
                terminal.Write(format.Text);
            }
            else if (format.Text != module.Source)
            {
                terminal.Line(module.Name);
            }
        }

        if (!check && !write) return;
        var other = results.Count(r => r.Format.Succeeded && r.Format.Text != r.Module.Source);
        var failed = results.Count(r => !r.Format.Succeeded);
        var files = Words.Count(results.Count, "file");
        if (failed > 0) terminal.Error($"{failed} of {files} cannot be formatted");
        else if (check && other > 0) terminal.Error($"{other} of {files} not formatted");
        else terminal.Success(write ? $"{Words.Count(other, "file")} formatted, {results.Count - other} already were" : $"{files}: formatted");
    }

    private static string Json(List<(RegoModule Module, RegoFormatting Format)> results, bool write, SourceReport report) =>
        PolicyJson.Text(new JsonObject
        {
            ["ok"] = results.TrueForAll(r => r.Format.Succeeded && (write || r.Format.Text == r.Module.Source)),
            ["files"] = PolicyJson.Array(results.Select(r => new JsonObject
            {
                ["file"] = r.Module.Name,
                ["formatted"] = r.Format.Succeeded && r.Format.Text == r.Module.Source,
                ["written"] = write && r.Format.Succeeded && r.Format.Text != r.Module.Source,
                ["errors"] = PolicyJson.Array(r.Format.Errors.Select(report.Json)),
            })),
        });

    /// <summary>Writes beside the file and renames, so that no reader meets half a policy; the mode stays.</summary>
    private static void Replace(string file, string text)
    {
        var target = File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(file);
        var draft = Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.{Guid.NewGuid():N}");
        try
        {
            File.WriteAllText(draft, text);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(draft, File.GetUnixFileMode(target));
            File.Move(draft, target, overwrite: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            File.Delete(draft);
            throw new CommandFailure($"{file}: {fault.Message}");
        }
    }
}
