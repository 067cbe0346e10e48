using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Caracal.Protocol;

namespace Caracal.Evidence.Events;

/// <summary>One audit event as a producer records it (audit.md 2). It must never hold tokens, secrets, claims or bodies.</summary>
public sealed record AuditEvent
{
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? threadBuffer;

    [ThreadStatic]
    private static Utf8JsonWriter? threadWriter;

    /// <summary>UUIDv7 text; a new one by default.</summary>
    public string Id { get; init; } = Ids.New();

    /// <summary>Chain key, never empty; <c>unknown</c> before the zone is known.</summary>
    public required string ZoneId { get; init; }

    /// <summary>One of <see cref="AuditEventTypes"/>.</summary>
    public required string EventType { get; init; }

    /// <summary>Correlation id of the request.</summary>
    public required string RequestId { get; init; }

    /// <summary>One of <see cref="AuditDecisions"/>.</summary>
    public required string Decision { get; init; }

    public string? PolicySetId { get; init; }

    public string? PolicySetVersionId { get; init; }

    public string? ManifestSha { get; init; }

    /// <summary><c>complete</c> or the reason code.</summary>
    public string EvaluationStatus { get; init; } = "complete";

    /// <summary>JSON array of <c>{"policy":name}</c>, UTF-8; see <see cref="AuditJson.Policies"/>.</summary>
    public ReadOnlyMemory<byte> DeterminingPoliciesJson { get; init; } = AuditJson.EmptyArray;

    /// <summary>JSON array, UTF-8.</summary>
    public ReadOnlyMemory<byte> DiagnosticsJson { get; init; } = AuditJson.EmptyArray;

    /// <summary>JSON object, UTF-8, left out when empty; see <see cref="AuditJson.Object{TState}"/>.</summary>
    public ReadOnlyMemory<byte> MetadataJson { get; init; }

    /// <summary>
    /// What policy saw beyond the metadata: a JSON object, UTF-8, left out when empty. No part of the ledger's content;
    /// whoever wants the chain to vouch for it puts its hash into the metadata.
    /// </summary>
    public ReadOnlyMemory<byte> PolicyInputJson { get; init; }

    /// <summary>Event time; microseconds are kept.</summary>
    public required DateTimeOffset OccurredAt { get; init; }

    /// <summary>The exact bytes that are journaled, signed and ingested.</summary>
    public byte[] ToUtf8() => WriteShared().WrittenSpan.ToArray();

    /// <summary>Hands the bytes to a callback without copying them; the span lives only during the call.</summary>
    internal TResult Use<TState, TResult>(TState state, Func<ReadOnlyMemory<byte>, TState, TResult> use) =>
        use(WriteShared().WrittenMemory, state);

    public void WriteTo(IBufferWriter<byte> target)
    {
        using var writer = new Utf8JsonWriter(target, Options);
        Write(writer);
    }

    private ArrayBufferWriter<byte> WriteShared()
    {
        // One buffer per thread: an event is serialised and appended without leaving the thread in between.
        if (threadBuffer is null || threadBuffer.Capacity > 64 * 1024) threadBuffer = new ArrayBufferWriter<byte>(2048);
        threadBuffer.ResetWrittenCount();
        threadWriter ??= new Utf8JsonWriter(threadBuffer, Options);
        threadWriter.Reset(threadBuffer);
        Write(threadWriter);
        threadWriter.Flush();
        return threadBuffer;
    }

    private void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, Id);
        writer.WriteString("zone_id"u8, ZoneId);
        writer.WriteString("event_type"u8, EventType);
        writer.WriteString("request_id"u8, RequestId);
        writer.WriteString("decision"u8, Decision);
        WriteIfPresent(writer, "policy_set_id"u8, PolicySetId);
        WriteIfPresent(writer, "policy_set_version_id"u8, PolicySetVersionId);
        WriteIfPresent(writer, "manifest_sha"u8, ManifestSha);
        writer.WriteString("evaluation_status"u8, EvaluationStatus);
        WriteRaw(writer, "determining_policies_json"u8, DeterminingPoliciesJson);
        WriteRaw(writer, "diagnostics_json"u8, DiagnosticsJson);
        if (!MetadataJson.IsEmpty) WriteRaw(writer, "metadata_json"u8, MetadataJson);
        if (!PolicyInputJson.IsEmpty) WriteRaw(writer, "policy_input"u8, PolicyInputJson);
        Span<byte> occurredAt = stackalloc byte[Rfc3339.MicrosecondLength];
        Rfc3339.WriteMicroseconds(OccurredAt, occurredAt);
        writer.WriteString("occurred_at"u8, occurredAt);
        writer.WriteEndObject();
    }

    private static void WriteIfPresent(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (!string.IsNullOrEmpty(value)) writer.WriteString(name, value);
    }

    private static void WriteRaw(Utf8JsonWriter writer, ReadOnlySpan<byte> name, ReadOnlyMemory<byte> json)
    {
        writer.WritePropertyName(name);
        writer.WriteRawValue(json.IsEmpty ? "[]"u8 : json.Span, skipInputValidation: true);
    }
}
