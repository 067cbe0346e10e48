using System.Collections.Immutable;
using System.Text.Json;

namespace Caracal.Keys.Rotation;

/// <summary>The slots of one class that an instance has reported, by secret ids.</summary>
public sealed record ReportedSlots(string Current, string? Next, ImmutableArray<string> Previous)
{
    /// <summary>What a part of the instance uses already or still, while it moves (<see cref="Rings.HeldRing.Entering"/>).</summary>
    public ImmutableArray<string> Entering { get; init; } = [];

    /// <summary><c>file</c>, or <c>env</c>, which needs a restart to change.</summary>
    public string Source { get; init; } = "file";

    /// <summary>When something last came that a previous value verified; null when nothing did since the instance started.</summary>
    public DateTimeOffset? PreviousUsedAt { get; init; }

    /// <summary>From where, in the ten minutes before the report.</summary>
    public ImmutableArray<string> PreviousUsers { get; init; } = [];

    /// <summary>When something last came that no slot verified.</summary>
    public DateTimeOffset? UnmatchedAt { get; init; }

    /// <summary>Whether the value verifies there, whatever its slot.</summary>
    public bool Holds(string sid) => Uses(sid) || Next == sid || Previous.Contains(sid);

    /// <summary>Whether all or a part of it signs or enters with the value.</summary>
    public bool Uses(string sid) => Current == sid || Entering.Contains(sid);
}

/// <summary>What one instance last said of itself (operations.md 4.2).</summary>
public sealed record InstanceKeys(
    string Service, string Instance, DateTimeOffset LastSeen, bool Stopped, IReadOnlyDictionary<string, ReportedSlots> Classes)
{
    /// <summary>Seen less than this ago means live.</summary>
    public static readonly TimeSpan LiveFor = TimeSpan.FromSeconds(30);

    /// <summary>Silent for longer than this without a farewell means gone.</summary>
    public static readonly TimeSpan GoneAfter = TimeSpan.FromMinutes(2);

    public string Name => $"{Service}/{Instance}";

    public bool IsLive(DateTimeOffset now) => !Stopped && now - LastSeen < LiveFor;

    /// <summary>Neither live nor gone: it may still sign, and has not said with what.</summary>
    public bool IsSilent(DateTimeOffset now) => !Stopped && now - LastSeen >= LiveFor && now - LastSeen < GoneAfter;

    /// <summary>Reads the document of a heartbeat.</summary>
    public static InstanceKeys Of(string service, string instance, DateTimeOffset lastSeen, bool stopped, string keySlots)
    {
        using var document = JsonDocument.Parse(keySlots);
        return new InstanceKeys(
            service, instance, lastSeen, stopped,
            document.RootElement.EnumerateObject().ToImmutableDictionary(member => member.Name, member => Slots(member.Value, lastSeen), StringComparer.Ordinal));
    }

    private static ReportedSlots Slots(JsonElement slots, DateTimeOffset lastSeen) => new(
        slots.GetProperty("current").GetString()!,
        slots.TryGetProperty("next", out var next) ? next.GetString() : null,
        slots.TryGetProperty("previous", out var previous) ? [.. previous.EnumerateArray().Select(sid => sid.GetString()!)] : [])
    {
        Entering = slots.TryGetProperty("entering", out var entering) ? [.. entering.EnumerateArray().Select(sid => sid.GetString()!)] : [],
        Source = slots.TryGetProperty("source", out var source) ? source.GetString()! : "file",
        PreviousUsedAt = At(slots, "previous_used_seconds", lastSeen),
        PreviousUsers = slots.TryGetProperty("previous_users", out var users) ? [.. users.EnumerateArray().Select(from => from.GetString()!)] : [],
        UnmatchedAt = At(slots, "unmatched_seconds", lastSeen),
    };

    private static DateTimeOffset? At(JsonElement slots, string name, DateTimeOffset lastSeen) =>
        slots.TryGetProperty(name, out var ago) && ago.ValueKind == JsonValueKind.Number ? lastSeen.AddSeconds(-ago.GetDouble()) : null;
}
