using System.Runtime.CompilerServices;
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
            var field = FieldOf(reader.ValueSpan, scratch);
            reader.Read();
            if (field == Field.PolicyInput) fields.PolicyInput = Exactly(data, ref reader);
            else if (field == Field.Unknown) reader.Skip();
            else fields.Set(field, ref reader, canonical, scratch);
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

    private static Field FieldOf(ReadOnlySpan<byte> raw, ByteBuffer scratch)
    {
        if (raw.Contains((byte)'\\'))
        {
            scratch.Truncate(0);
            JsonStrings.Decode(raw, scratch, dropNul: true);
            raw = scratch.Written;
        }

        for (var i = 1; i < Names.Length; i++)
        {
            if (raw.SequenceEqual(Names[i])) return (Field)i;
        }

        return Field.Unknown;
    }

    // By Field.
    private static readonly byte[][] Names =
    [
        [], [.. "id"u8], [.. "zone_id"u8], [.. "event_type"u8], [.. "request_id"u8], [.. "decision"u8], [.. "policy_set_id"u8],
        [.. "policy_set_version_id"u8], [.. "manifest_sha"u8], [.. "evaluation_status"u8], [.. "determining_policies_json"u8],
        [.. "diagnostics_json"u8], [.. "metadata_json"u8], [.. "policy_input"u8], [.. "occurred_at"u8],
    ];

    private enum Field
    {
        Unknown,
        Id,
        ZoneId,
        EventType,
        RequestId,
        Decision,
        PolicySetId,
        PolicySetVersionId,
        ManifestSha,
        EvaluationStatus,
        DeterminingPolicies,
        Diagnostics,
        Metadata,
        PolicyInput,
        OccurredAt,
    }

    [InlineArray((int)Field.OccurredAt + 1)]
    private struct Texts
    {
        private string? first;
    }

    private ref struct Fields
    {
        private Texts texts;

        public string? PolicyInput { get; set; }

        public void Set(Field field, ref Utf8JsonReader reader, CanonicalWriter canonical, ByteBuffer scratch) => texts[(int)field] = reader.TokenType switch
        {
            JsonTokenType.Null => null,
            _ when field is Field.DeterminingPolicies or Field.Diagnostics or Field.Metadata => Encoding.UTF8.GetString(canonical.WriteNext(ref reader)),
            JsonTokenType.String => Text(reader.ValueSpan, scratch),
            _ => throw new JsonException($"{Encoding.UTF8.GetString(Names[(int)field])} is not a string"),
        };

        public readonly LedgerEntry ToEntry() => new()
        {
            Id = Required(Field.Id),
            ZoneId = Required(Field.ZoneId),
            EventType = Get(Field.EventType) ?? "",
            RequestId = Get(Field.RequestId) ?? "",
            Decision = Get(Field.Decision) ?? "",
            PolicySetId = NullIfEmpty(Get(Field.PolicySetId)),
            PolicySetVersionId = NullIfEmpty(Get(Field.PolicySetVersionId)),
            ManifestSha = NullIfEmpty(Get(Field.ManifestSha)),
            EvaluationStatus = Get(Field.EvaluationStatus) ?? "",
            DeterminingPoliciesJson = Get(Field.DeterminingPolicies),
            DiagnosticsJson = Get(Field.Diagnostics),
            MetadataJson = Get(Field.Metadata),
            PolicyInput = PolicyInput,
            OccurredAt = Rfc3339.TryParse(Required(Field.OccurredAt), out var time) && time > Zero
                ? time
                : throw new JsonException("occurred_at is not an RFC 3339 time"),
        };

        // The zero time of the v1.0 producers means "not set".
        private static DateTimeOffset Zero => new(TimeSpan.TicksPerDay, TimeSpan.Zero);

        private readonly string Required(Field field) =>
            NullIfEmpty(Get(field)) ?? throw new JsonException($"{Encoding.UTF8.GetString(Names[(int)field])} is missing");

        private readonly string? Get(Field field) => texts[(int)field];

        private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
    }
}
