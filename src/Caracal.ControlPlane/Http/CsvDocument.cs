using System.Buffers;
using System.Text;

namespace Caracal.ControlPlane.Http;

/// <summary>One page of a list as CSV (api.md 1.3).</summary>
/// <param name="FileName">For the attachment.</param>
/// <param name="Text">The header row and one row each, every one ended by CRLF.</param>
/// <param name="NextCursor">Where the next page starts.</param>
internal sealed record CsvDocument(string FileName, string Text, string? NextCursor)
{
    private static readonly SearchValues<char> Quoted = SearchValues.Create("\",\r\n");

    public static CsvDocument Of(
        string kind, string zoneId, IReadOnlyList<string> columns, IEnumerable<IEnumerable<string?>> rows, string? nextCursor)
    {
        var text = new StringBuilder();
        AppendRow(text, columns);
        foreach (var row in rows) AppendRow(text, row);

        // The zone is a checked path id, so it cannot break out of the quoted name.
        return new CsvDocument($"{kind}-{zoneId}.csv", text.ToString(), nextCursor);
    }

    private static void AppendRow(StringBuilder text, IEnumerable<string?> cells)
    {
        var first = true;
        foreach (var cell in cells)
        {
            if (!first) text.Append(',');
            first = false;
            AppendCell(text, cell ?? "");
        }

        text.Append("\r\n");
    }

    // A spreadsheet would run a cell that starts like a formula.
    private static void AppendCell(StringBuilder text, string cell)
    {
        if (cell.Length > 0 && cell[0] is '=' or '+' or '-' or '@' or '\t' or '\r') cell = "'" + cell;
        if (cell.AsSpan().IndexOfAny(Quoted) < 0) text.Append(cell);
        else text.Append('"').Append(cell.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
    }
}
