using System.Net;
using System.Text.Json;

namespace Caracal.Keys.Rings;

/// <summary>One class as an instance holds it: what its heartbeat and <c>/internal/keys</c> say, by secret ids only (operations.md 4.2).</summary>
/// <param name="ClassId">Class id of <see cref="KeyClass"/>.</param>
/// <param name="Slots">The slots.</param>
/// <param name="Source"><c>file</c> or <c>env</c>; the latter needs a restart to change.</param>
/// <param name="LoadedAt">When these slots were taken.</param>
public sealed record HeldRing(string ClassId, RingSlots Slots, string Source, DateTimeOffset LoadedAt)
{
    /// <summary>Values that a part of the instance uses already or still, while all of it moves to another; empty at rest.</summary>
    public IReadOnlyList<string> Entering { get; init; } = [];

    /// <summary>How long ago something came that a previous value verified; null when nothing did.</summary>
    public TimeSpan? PreviousUsed { get; init; }

    /// <summary>From where, in the last ten minutes; empty where no address is known.</summary>
    public IReadOnlyList<IPAddress> PreviousUsers { get; init; } = [];

    /// <summary>How long ago something came that no slot verified; null when nothing did.</summary>
    public TimeSpan? Unmatched { get; init; }

    /// <summary>An object of class → slots.</summary>
    public static void Write(Utf8JsonWriter writer, IEnumerable<HeldRing> rings)
    {
        writer.WriteStartObject();
        foreach (var ring in rings)
        {
            writer.WriteStartObject(ring.ClassId);
            writer.WriteString("current"u8, ring.Slots.Current);
            writer.WriteString("key_id"u8, ring.Slots.KeyId);
            writer.WriteString("next"u8, ring.Slots.Next);
            WriteList(writer, "previous"u8, ring.Slots.Previous);
            if (ring.Entering.Count > 0) WriteList(writer, "entering"u8, ring.Entering);
            if (ring.ClassId == KeyClass.AuditHmac) WriteList(writer, "archive"u8, ring.Slots.Archive);
            writer.WriteString("source"u8, ring.Source);
            writer.WriteString("loaded_at"u8, ring.LoadedAt.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", System.Globalization.CultureInfo.InvariantCulture));
            WriteSeconds(writer, "previous_used_seconds"u8, ring.PreviousUsed);
            if (ring.PreviousUsers.Count > 0) WriteList(writer, "previous_users"u8, ring.PreviousUsers.Select(address => address.ToString()));
            WriteSeconds(writer, "unmatched_seconds"u8, ring.Unmatched);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteSeconds(Utf8JsonWriter writer, ReadOnlySpan<byte> name, TimeSpan? ago)
    {
        if (ago is { } time) writer.WriteNumber(name, (long)time.TotalSeconds);
        else writer.WriteNull(name);
    }

    private static void WriteList(Utf8JsonWriter writer, ReadOnlySpan<byte> name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts) writer.WriteStringValue(text);
        writer.WriteEndArray();
    }
}
