using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Caracal.Evidence.Ledger;

namespace Caracal.Audit.Feeds;

/// <summary>Events as others read them: one line each, without a line feed inside.</summary>
internal static class FeedLines
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Of(LedgerRow row, FeedFormat format) => format == FeedFormat.Cef ? Cef(row) : Ocsf(row);

    public static bool IsDeny(LedgerRow row) => row.Entry.Decision.Equals("deny", StringComparison.OrdinalIgnoreCase);

    public static string Ocsf(LedgerRow row)
    {
        var (entry, deny) = (row.Entry, IsDeny(row));
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            writer.WriteStartObject();
            writer.WriteNumber("category_uid", 6);
            writer.WriteNumber("class_uid", 6003);
            writer.WriteNumber("type_uid", 600301);
            writer.WriteNumber("activity_id", deny ? 2 : 1);
            writer.WriteNumber("severity_id", deny ? 2 : 1);
            writer.WriteNumber("time", entry.OccurredAt.ToUnixTimeMilliseconds());
            writer.WriteStartObject("metadata");
            writer.WriteString("version", "1.7.0");
            writer.WriteString("uid", entry.Id);
            writer.WriteString("correlation_uid", entry.RequestId);
            writer.WriteNumber("sequence", row.ChainSeq);
            writer.WriteStartObject("product");
            writer.WriteString("name", "caracal");
            writer.WriteString("vendor_name", "Caracal");
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteString("status_detail", entry.EvaluationStatus);
            writer.WriteStartObject("unmapped");
            writer.WriteString("zone_id", entry.ZoneId);
            writer.WriteString("event_type", entry.EventType);
            writer.WriteString("decision", entry.Decision);
            writer.WriteString("policy_set_id", entry.PolicySetId);
            writer.WriteString("policy_set_version_id", entry.PolicySetVersionId);
            writer.WriteString("manifest_sha", entry.ManifestSha);
            Raw(writer, "determining_policies", entry.DeterminingPoliciesJson);
            Raw(writer, "diagnostics", entry.DiagnosticsJson);
            Raw(writer, "metadata", entry.MetadataJson);
            writer.WriteString("content_sha256", row.ContentSha256);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    public static string Cef(LedgerRow row)
    {
        var entry = row.Entry;
        var text = new StringBuilder("CEF:0|Caracal|caracal|1|")
            .Append(Header(entry.EventType)).Append('|')
            .Append(Header($"{entry.EventType} {entry.Decision}")).Append('|')
            .Append(IsDeny(row) ? '6' : '2').Append('|');
        Extension("rt", entry.OccurredAt.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture));
        Extension("externalId", entry.Id);
        Extension("outcome", entry.Decision);
        Extension("reason", entry.EvaluationStatus);
        Extension("cs1Label", "zone");
        Extension("cs1", entry.ZoneId);
        Extension("cs2Label", "request");
        Extension("cs2", entry.RequestId);
        Extension("cs3Label", "content_sha256");
        Extension("cs3", row.ContentSha256);
        Extension("cs4Label", "metadata");
        Extension("cs4", entry.MetadataJson ?? "");
        Extension("cn1Label", "chain_seq");
        Extension("cn1", row.ChainSeq.ToString(CultureInfo.InvariantCulture));
        return text.ToString(0, text.Length - 1);

        void Extension(string name, string value)
        {
            if (value.Length > 0) text.Append(name).Append('=').Append(Value(value)).Append(' ');
        }
    }

    // A line is a line: what could end it early, or begin a field of its own, is escaped.
    private static string Header(string text) => OneLine(text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("|", @"\|", StringComparison.Ordinal), " ");

    private static string Value(string text) =>
        OneLine(text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("=", @"\=", StringComparison.Ordinal), @"\n");

    private static string OneLine(string text, string feed) =>
        text.Replace("\r\n", feed, StringComparison.Ordinal).Replace("\n", feed, StringComparison.Ordinal).Replace("\r", feed, StringComparison.Ordinal);

    private static void Raw(Utf8JsonWriter writer, string name, string? json)
    {
        writer.WritePropertyName(name);
        if (json is null) writer.WriteNullValue();
        else writer.WriteRawValue(json);
    }
}
