using System.Globalization;
using System.Text;
using System.Text.Json;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Streams;

namespace Caracal.Audit.DeadLetters;

/// <summary>One entry of the audit dead-letter queue as operators see it (audit.md 10).</summary>
internal sealed record DeadLetter
{
    private const string SourcePrefix = "src_";

    public required string Id { get; init; }
    public required StreamEntry Entry { get; init; }
    public required string Reason { get; init; }
    public string? SourceId { get; init; }
    public DateTimeOffset ReceivedAt { get; init; }
    public string? SourceData { get; init; }
    public string? SourceSignature { get; init; }
    public string? SourceKeyId { get; init; }

    /// <summary>True when putting the source back can succeed: the store's fault, or a key that has arrived since.</summary>
    public bool Replayable { get; init; }

    /// <summary>Members of the source event; empty when it cannot be read.</summary>
    public IReadOnlyDictionary<string, string> Event { get; init; } = new Dictionary<string, string>();

    public static DeadLetter From(StreamEntry entry, HmacKeyRing? auditKeys)
    {
        var data = entry.Value(SourcePrefix + "data");
        var reason = entry.Value("reason") ?? "";
        var signature = entry.Value(SourcePrefix + "sig");
        return new DeadLetter
        {
            Id = entry.Id,
            Entry = entry,
            Reason = reason,
            SourceId = entry.Value(SourcePrefix + "id"),
            ReceivedAt = DateTimeOffset.FromUnixTimeMilliseconds(
                long.TryParse(entry.Value("received_at"), NumberStyles.None, CultureInfo.InvariantCulture, out var at) ? at : entry.Milliseconds),
            SourceData = data,
            SourceSignature = signature,
            SourceKeyId = entry.Value(SourcePrefix + "kid"),
            Replayable = !string.IsNullOrWhiteSpace(data) && IsReplayable(reason, data, signature, auditKeys),
            Event = ReadEvent(data),
        };
    }

    private static bool IsReplayable(string reason, string data, string? signature, HmacKeyRing? keys) =>
        reason.StartsWith(IngestReasons.TransientPrefix, StringComparison.Ordinal)
        || reason.StartsWith(IngestReasons.PermanentPrefix, StringComparison.Ordinal)
        || (reason == IngestReasons.HmacVerifyFailed && signature is not null && keys is not null
            && keys.VerifyHex(Encoding.UTF8.GetBytes(data), signature, out _));

    private static Dictionary<string, string> ReadEvent(string? data)
    {
        var members = new Dictionary<string, string>(StringComparer.Ordinal);
        if (data is null) return members;
        try
        {
            using var json = JsonDocument.Parse(data);
            if (json.RootElement.ValueKind != JsonValueKind.Object) return members;
            foreach (var name in (ReadOnlySpan<string>)["id", "zone_id", "event_type", "request_id", "decision"])
            {
                if (json.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String)
                {
                    members[name] = value.GetString()!;
                }
            }
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // The reason already says that it cannot be read.
        }

        return members;
    }
}
