using System.Text;
using Caracal.Cli.Environment;

namespace Caracal.Cli.CommandLine;

/// <summary>What commands print on: symbols, colours, streams and tables of cli.md 1.2.</summary>
internal sealed class Terminal(TextWriter output, TextWriter error, bool colour = false, bool ascii = false)
{
    /// <summary>True suppresses banners and infos, so that stdout holds one JSON document.</summary>
    public bool Quiet { get; set; }

    public static Terminal ForProcess(ProcessVariables variables)
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var output = new StreamWriter(System.Console.OpenStandardOutput(), utf8) { AutoFlush = true };
        var error = new StreamWriter(System.Console.OpenStandardError(), utf8) { AutoFlush = true };
        return new Terminal(output, error, WantsColour(variables, !System.Console.IsOutputRedirected), WantsAscii(variables));
    }

    public void Write(string text) => output.Write(text);

    public void WriteError(string text) => error.Write(text);

    public void Line(string text = "") => output.Write(text + "\n");

    public void Success(string text) => Marked(output, "✓", "+", "1;32", text);

    public void Error(string text) => Marked(error, "✗", "x", "1;31", text);

    public void Warning(string text) => Unless(Quiet, () => Marked(output, "⚠", "!", "1;33", text));

    public void Info(string text) => Unless(Quiet, () => Marked(output, "ℹ", "i", "36", text));

    public void Step(string text) => Unless(Quiet, () => Marked(output, "→", ">", "1;36", text));

    public void Banner(string text) => Unless(Quiet, () => Line(text));

    /// <summary>The ok or failed mark alone, for table cells.</summary>
    public string Mark(bool ok) => ok ? Paint(ascii ? "+" : "✓", "1;32") : Paint(ascii ? "x" : "✗", "1;31");

    /// <summary>Text that steps back behind the rest, where there are colours.</summary>
    public string Faint(string text) => Paint(text, "2");

    /// <summary>Text that is wrong, where there are colours.</summary>
    public string Bad(string text) => Paint(text, "1;31");

    public void Table(IReadOnlyList<string> header, IReadOnlyList<IReadOnlyList<string?>> rows)
    {
        if (rows.Count == 0)
        {
            Line("(no rows)");
            return;
        }

        var widths = header.Select((name, column) => rows.Select(row => (row[column] ?? "-").Length).Append(name.Length).Max()).ToList();
        Line(Row(header, widths));
        Line(Row([.. widths.Select(width => new string('-', width))], widths));
        foreach (var row in rows) Line(Row(row, widths));
    }

    internal static bool WantsColour(ProcessVariables variables, bool isTerminal)
    {
        if (IsOn(variables["NO_COLOR"]) || IsOn(variables["CARACAL_NO_COLOR"])) return false;
        return variables.Has("FORCE_COLOR") || variables.Has("CARACAL_COLOR") || isTerminal;
    }

    internal static bool WantsAscii(ProcessVariables variables)
    {
        var locale = variables["LC_ALL"] ?? variables["LC_CTYPE"] ?? variables["LANG"];
        return locale is not null && !locale.Replace("-", "", StringComparison.Ordinal).Contains("utf8", StringComparison.OrdinalIgnoreCase);
    }

    private static bool IsOn(string? value) => value is not (null or "" or "0" or "false");

    private static string Row(IReadOnlyList<string?> cells, List<int> widths) =>
        string.Join("  ", cells.Select((cell, column) => (cell ?? "-").PadRight(widths[column]))).TrimEnd();

    private static void Unless(bool suppressed, Action print)
    {
        if (!suppressed) print();
    }

    private void Marked(TextWriter writer, string symbol, string plain, string code, string text) =>
        writer.Write($"{Paint(ascii ? plain : symbol, code)} {Scrubber.Scrub(text)}\n");

    private string Paint(string text, string code) => colour ? $"\u001b[{code}m{text}\u001b[0m" : text;
}
