using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Rego;

namespace Caracal.Cli.Policies;

/// <summary>Shows places in sources: the line and a caret below it for people, the same facts as JSON for machines.</summary>
internal sealed class SourceReport(IEnumerable<RegoModule> modules)
{
    private const int Shown = 140;
    private const int TabWidth = 4;

    private readonly Dictionary<string, string[]> lines = modules
        .GroupBy(module => module.Name, StringComparer.Ordinal)
        .ToDictionary(group => group.Key, group => group.First().Source.Split('\n'), StringComparer.Ordinal);

    /// <summary>A line of a source, without secrets; empty when there is none.</summary>
    public string Line(string file, int line) => Scrubber.Scrub(Raw(file, line).Trim());

    /// <summary>An error with its line, on stderr.</summary>
    public void Print(Terminal terminal, RegoError error)
    {
        terminal.Error(Place(error.File, error.Line, error.Column) + $"{error.Code}: {error.Message}");
        var raw = Raw(error.File, error.Line);
        if (raw.Length == 0) return;
        var (text, caret) = Frame(raw, error.Column);
        var number = $"{error.Line,6}";
        terminal.WriteError(terminal.Faint($"{number} | ") + Scrubber.Scrub(text) + "\n");
        // A scrubbed line has other columns; a caret would point at the wrong place.
        if (Scrubber.Scrub(text) == text) terminal.WriteError(terminal.Faint("       | ") + new string(' ', caret) + terminal.Bad("^") + "\n");
    }

    /// <summary>Tells why modules or a query do not compile, in the form the user asked for.</summary>
    public void Refuse(CommandContext context, IReadOnlyList<RegoError> errors)
    {
        if (context.Json)
        {
            context.Terminal.Write(PolicyJson.Text(new JsonObject { ["ok"] = false, ["errors"] = PolicyJson.Array(errors.Select(Json)) }));
            return;
        }

        foreach (var error in errors) Print(context.Terminal, error);
    }

    public JsonObject Json(RegoError error) => new()
    {
        ["file"] = error.File,
        ["line"] = error.Line,
        ["column"] = error.Column,
        ["code"] = error.Code,
        ["message"] = Scrubber.Scrub(error.Message),
        ["source"] = Line(error.File, error.Line),
    };

    private static string Place(string file, int line, int column) => file.Length == 0 ? "" : $"{file}:{line}:{column}: ";

    private string Raw(string file, int line) =>
        lines.TryGetValue(file, out var all) && line >= 1 && line <= all.Length ? all[line - 1].TrimEnd('\r') : "";

    private static (string Text, int Caret) Frame(string raw, int column)
    {
        var at = Math.Clamp(column - 1, 0, raw.Length);
        // Of a very long line only the part around the place is shown.
        var from = at > Shown - 20 ? at - (Shown / 2) : 0;
        var shown = raw.Substring(from, Math.Min(Shown, raw.Length - from));
        var before = raw[from..at];
        return (Expand(shown), Expand(before).Length);
    }

    private static string Expand(string text) => text.Replace("\t", new string(' ', TabWidth), StringComparison.Ordinal);
}
