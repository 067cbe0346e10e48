using System.Text;
using System.Text.Json;
using Caracal.Evidence.Canonical;
using Caracal.Evidence.Events;

namespace Caracal.Evidence.Ledger;

/// <summary>Reads an event's JSON into a ledger entry: unknown fields are tolerated, texts sanitised, JSON parts made canonical (audit.md 3, 4).</summary>
public static class IngestParser
{
    /// <exception cref="JsonException">No event: malformed JSON, or <c>id</c>, <c>zone_id</c> or <c>occurred_at</c> missing.</exception>
    /// <exception cref="CanonicalFormException">A JSON part has no canonical form.</exception>
    public static LedgerEntry Parse(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data, CanonicalWriter.ReaderOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("the event is not a JSON object");
        var fields = new Fields();
        using var canonical = new CanonicalWriter(CanonicalDialect.Jsonb);
        using var scratch = new ByteBuffer();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = Text(reader.ValueSpan, scratch);
            reader.Read();
            if (name == "policy_input") fields.PolicyInput = Exactly(data, ref reader);
            else fields.Set(name, ref reader, canonical, scratch);
        }

        reader.Read(); // Throws on anything but white space behind the object.
        return fields.ToEntry();
    }

    // An object, byte for byte: its hash stands in the metadata. Anything else is as good as nothing.
    private static string? Exactly(ReadOnlySpan<byte> data, ref Utf8JsonReader reader)
    {
        var start = (int)reader.TokenStartIndex;
        var isObject = reader.TokenType == JsonTokenType.StartObject;
        reader.Skip();
        return isObject ? Encoding.UTF8.GetString(data[start..(int)reader.BytesConsumed]) : null;
    }

    private static string Text(ReadOnlySpan<byte> raw, ByteBuffer scratch)
    {
        scratch.Truncate(0);
        JsonStrings.Decode(raw, scratch, dropNul: true);
        return Encoding.UTF8.GetString(scratch.Written);
    }

    private sealed class Fields
    {
        private readonly Dictionary<string, string?> texts = new(13, StringComparer.Ordinal);

        public string? PolicyInput { get; set; }

        public void Set(string name, ref Utf8JsonReader reader, CanonicalWriter canonical, ByteBuffer scratch)
        {
            switch (name)
            {
                case "determining_policies_json" or "diagnostics_json" or "metadata_json":
                    texts[name] = reader.TokenType == JsonTokenType.Null ? null : Encoding.UTF8.GetString(canonical.WriteNext(ref reader));
                    break;
                case "id" or "zone_id" or "event_type" or "request_id" or "decision" or "policy_set_id"
                    or "policy_set_version_id" or "manifest_sha" or "evaluation_status" or "occurred_at":
                    texts[name] = reader.TokenType switch
                    {
                        JsonTokenType.String => Text(reader.ValueSpan, scratch),
                        JsonTokenType.Null => null,
                        _ => throw new JsonException($"{name} is not a string"),
                    };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        public LedgerEntry ToEntry() => new()
        {
            Id = Required("id"),
            ZoneId = Required("zone_id"),
            EventType = Get("event_type") ?? "",
            RequestId = Get("request_id") ?? "",
            Decision = Get("decision") ?? "",
            PolicySetId = NullIfEmpty(Get("policy_set_id")),
            PolicySetVersionId = NullIfEmpty(Get("policy_set_version_id")),
            ManifestSha = NullIfEmpty(Get("manifest_sha")),
            EvaluationStatus = Get("evaluation_status") ?? "",
            DeterminingPoliciesJson = Get("determining_policies_json"),
            DiagnosticsJson = Get("diagnostics_json"),
            MetadataJson = Get("metadata_json"),
            PolicyInput = PolicyInput,
            OccurredAt = Rfc3339.TryParse(Required("occurred_at"), out var time) && time > Zero
                ? time
                : throw new JsonException("occurred_at is not an RFC 3339 time"),
        };

        // The zero time of the v1.0 producers means "not set".
        private static DateTimeOffset Zero => new(TimeSpan.TicksPerDay, TimeSpan.Zero);

        private string Required(string name) =>
            NullIfEmpty(Get(name)) ?? throw new JsonException($"{name} is missing");

        private string? Get(string name) => texts.GetValueOrDefault(name);

        private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
    }
}
