using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Caracal.Evidence.Canonical;
using Caracal.Evidence.Events;

namespace Caracal.Evidence.Ledger;

/// <summary>Reads an event's JSON into a ledger entry: unknown fields are tolerated, texts sanitised, JSON parts made canonical (audit.md 3, 4).</summary>
public static class IngestParser
{
    [ThreadStatic]
    private static Workplace? threadWorkplace;

    /// <exception cref="JsonException">No event: malformed JSON, or <c>id</c>, <c>zone_id</c> or <c>occurred_at</c> missing.</exception>
    /// <exception cref="CanonicalFormException">A JSON part has no canonical form.</exception>
    public static LedgerEntry Parse(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data, CanonicalWriter.ReaderOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("the event is not a JSON object");
        var workplace = threadWorkplace ?? new Workplace();
        threadWorkplace = null;
        try
        {
            var fields = new Fields();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                var field = FieldOf(reader.ValueSpan, workplace.Scratch);
                reader.Read();
                if (field == Field.PolicyInput) fields.PolicyInput = Exactly(data, ref reader);
                else if (field == Field.Unknown) reader.Skip();
                else fields.Set(field, ref reader, workplace);
            }

            reader.Read(); // Throws on anything but white space behind the object.
            return fields.ToEntry();
        }
        finally
        {
            if (workplace.IsSmall) threadWorkplace = workplace;
            else workplace.Dispose();
        }
    }

    // An object, byte for byte: its hash stands in the metadata. Anything else is as good as nothing.
    private static ReadOnlyMemory<byte>? Exactly(ReadOnlySpan<byte> data, ref Utf8JsonReader reader)
    {
        var start = (int)reader.TokenStartIndex;
        var isObject = reader.TokenType == JsonTokenType.StartObject;
        reader.Skip();
        if (!isObject) return null;
        var json = data[start..(int)reader.BytesConsumed];
        return Utf8.IsValid(json) ? json.ToArray() : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(json));
    }

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> raw, ByteBuffer scratch)
    {
        if (!raw.Contains((byte)'\\') && Ascii.IsValid(raw)) return raw;
        scratch.Truncate(0);
        JsonStrings.Decode(raw, scratch, dropNul: true);
        return scratch.Written;
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

    // What parsing needs beyond the event, and would otherwise be made anew for each.
    private sealed class Workplace : IDisposable
    {
        private const int MostKept = 256 * 1024;
        private const int LongestRepeated = 128;

        private readonly string?[] last = new string?[(int)Field.OccurredAt + 1];

        public CanonicalWriter Canonical { get; } = new(CanonicalDialect.Jsonb);

        public ByteBuffer Scratch { get; } = new();

        public bool IsSmall => Canonical.Capacity + Scratch.Capacity <= MostKept;

        /// <summary>The text of a field: that of the event before, where it says the same.</summary>
        public string TextOf(Field field, ReadOnlySpan<byte> utf8)
        {
            if (field is Field.Id or Field.RequestId or Field.OccurredAt || utf8.Length > LongestRepeated) return Encoding.UTF8.GetString(utf8);
            ref var text = ref last[(int)field];
            return text is not null && Ascii.Equals(utf8, text) ? text : text = Encoding.UTF8.GetString(utf8);
        }

        public void Dispose()
        {
            Canonical.Dispose();
            Scratch.Dispose();
        }
    }

    [InlineArray((int)Field.OccurredAt + 1)]
    private struct Texts
    {
        private string? first;
    }

    private ref struct Fields
    {
        private Texts texts;

        public ReadOnlyMemory<byte>? PolicyInput { get; set; }

        public void Set(Field field, ref Utf8JsonReader reader, Workplace workplace) => texts[(int)field] = reader.TokenType switch
        {
            JsonTokenType.Null => null,
            _ when field is Field.DeterminingPolicies or Field.Diagnostics or Field.Metadata => workplace.TextOf(field, workplace.Canonical.WriteNext(ref reader)),
            JsonTokenType.String => workplace.TextOf(field, Text(reader.ValueSpan, workplace.Scratch)),
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
