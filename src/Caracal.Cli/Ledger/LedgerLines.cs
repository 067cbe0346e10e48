using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;

namespace Caracal.Cli.Ledger;

/// <summary>Ledger rows as lines: for people, or one JSON object each.</summary>
internal static class LedgerLines
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(CommandContext context, LedgerRow row) => context.Terminal.Line(context.Json ? Json(row) : Text(context.Terminal, row));

    /// <summary>One line: sequence, time, decision, type, status, request.</summary>
    public static string Text(Terminal terminal, LedgerRow row)
    {
        var decision = row.Entry.Decision.PadRight(8);
        if (IsDeny(row)) decision = terminal.Bad(decision);
        return $"{row.ChainSeq,8}  {Rfc3339.Milliseconds(row.Entry.OccurredAt)}  {decision}  {row.Entry.EventType,-24}  {row.Entry.EvaluationStatus,-24}  {terminal.Faint(row.Entry.RequestId)}";
    }

    public static bool IsDeny(LedgerRow row) => row.Entry.Decision.Equals("deny", StringComparison.OrdinalIgnoreCase);

    public static string Json(LedgerRow row)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Plain)) Write(writer, row);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    public static void Write(Utf8JsonWriter writer, LedgerRow row)
    {
        var entry = row.Entry;
        writer.WriteStartObject();
        writer.WriteString("id", entry.Id);
        writer.WriteString("zone_id", entry.ZoneId);
        writer.WriteString("event_type", entry.EventType);
        writer.WriteString("request_id", entry.RequestId);
        writer.WriteString("decision", entry.Decision);
        writer.WriteString("evaluation_status", entry.EvaluationStatus);
        writer.WriteString("policy_set_id", entry.PolicySetId);
        writer.WriteString("policy_set_version_id", entry.PolicySetVersionId);
        writer.WriteString("manifest_sha", entry.ManifestSha);
        Raw("determining_policies_json", entry.DeterminingPoliciesJson);
        Raw("diagnostics_json", entry.DiagnosticsJson);
        Raw("metadata_json", entry.MetadataJson);
        writer.WriteString("occurred_at", Rfc3339.Microseconds(entry.OccurredAt));
        writer.WriteString("ingested_at", Rfc3339.Microseconds(row.IngestedAt));
        writer.WriteNumber("chain_seq", row.ChainSeq);
        writer.WriteString("content_sha256", row.ContentSha256);
        writer.WriteEndObject();

        void Raw(string name, string? json)
        {
            writer.WritePropertyName(name);
            if (json is null) writer.WriteNullValue();
            else writer.WriteRawValue(json);
        }
    }
}
