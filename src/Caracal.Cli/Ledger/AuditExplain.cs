using System.Text;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Evidence.Ledger;
using Caracal.Storage.Ledger;

namespace Caracal.Cli.Ledger;

/// <summary><c>caracal audit explain</c>: what one request left, and why it ended as it did.</summary>
internal static class AuditExplain
{
    public static async Task<int> RunAsync(CommandContext context, string requestId)
    {
        context.Arguments.RequireKnown("zone", "data", "json");
        await using var database = AuditCommand.Open(context);
        var ledger = new LedgerReader(database);
        var zone = await AuditQueries.ZoneAsync(context, ledger);
        var rows = await ledger.SearchAsync(
            new LedgerQuery { ZoneId = zone, RequestId = requestId, Since = DateTimeOffset.UnixEpoch, Until = DateTimeOffset.UnixEpoch.AddYears(1000), Limit = 1000 },
            context.Stop);
        if (rows.Count == 0) throw new CommandFailure($"zone {zone} has no event of request {requestId}");

        // audit.md 10.1: one deny decides, else the last word does.
        var final = rows.Any(LedgerLines.IsDeny) ? "deny" : rows[^1].Entry.Decision;
        if (context.Json) context.Terminal.Line(Json(zone, requestId, final, rows));
        else Print(context.Terminal, requestId, final, rows);
        return 0;
    }

    private static void Print(Terminal terminal, string requestId, string final, IReadOnlyList<LedgerRow> rows)
    {
        if (final == "deny") terminal.Error($"request {requestId}: deny");
        else terminal.Success($"request {requestId}: {final}");
        foreach (var row in rows)
        {
            terminal.Line(LedgerLines.Text(terminal, row));
            Detail("policies", row.Entry.DeterminingPoliciesJson);
            Detail("diagnostics", row.Entry.DiagnosticsJson);
            Detail("metadata", row.Entry.MetadataJson);
        }

        void Detail(string name, string? json)
        {
            if (json is not (null or "[]" or "{}")) terminal.Line($"          {terminal.Faint(name.PadRight(12))} {json}");
        }
    }

    private static string Json(string zone, string requestId, string final, IReadOnlyList<LedgerRow> rows)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("zone_id", zone);
            writer.WriteString("request_id", requestId);
            writer.WriteString("final_decision", final);
            writer.WriteStartArray("events");
            foreach (var row in rows) LedgerLines.Write(writer, row);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
