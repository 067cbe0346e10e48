using System.Text.Encodings.Web;
using System.Text.Json;
using Caracal.Protocol;

namespace Caracal.Authority.Delegations;

/// <summary>Reads and normalises the closed constraint object; the first fault wins (coordinator.md 8).</summary>
public static class ConstraintReader
{
    internal static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // In the specification's order: the first bad known key names the refusal.
    private static readonly (string Key, Func<JsonElement, DelegationConstraints, DelegationConstraints?> Read)[] Keys =
    [
        ("resources", static (value, to) => Identifiers(value) is { } list ? to with { Resources = list } : null),
        ("max_depth", static (value, to) => Integer(value, DelegationLimits.MaximumDepth) is { } n ? to with { MaxDepth = n } : null),
        ("max_hops", static (value, to) => Integer(value, DelegationLimits.MaximumHops) is { } n ? to with { MaxHops = n } : null),
        ("budget", static (value, to) => Integer(value, DelegationLimits.MaximumBudget) is { } n ? to with { Budget = n } : null),
        ("ttl_seconds", static (value, to) => Integer(value, DelegationLimits.MaximumTtlSeconds) is { } n ? to with { TtlSeconds = n } : null),
        ("policy_approved", static (value, to) =>
            value.ValueKind is JsonValueKind.True or JsonValueKind.False ? to with { PolicyApproved = value.GetBoolean() } : null),
        ("expires_at", static (value, to) =>
            Text(value, int.MaxValue) is { } text && Timestamps.TryParseUtc(text, secondsOptional: false, out _) ? to with { ExpiresAt = text } : null),
        ("broad_reason", static (value, to) => Text(value, DelegationLimits.MaximumReasonLength) is { } text ? to with { BroadReason = text } : null),
    ];

    /// <summary>
    /// Merges <c>constraints_json</c> and <c>constraints</c> (the latter wins per key), checks every member, and
    /// fills in what follows from others. Exactly one of the results is set.
    /// </summary>
    public static (DelegationConstraints? Constraints, Refusal? Refusal) Read(JsonElement? constraintsJson, JsonElement? constraints, int? bodyTtlSeconds)
    {
        var members = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        if (!Merge(members, constraintsJson) || !Merge(members, constraints))
        {
            return (null, DelegationRefusals.InvalidConstraint);
        }

        var read = DelegationConstraints.None;
        foreach (var (key, reader) in Keys)
        {
            if (!members.Remove(key, out var value))
            {
                continue;
            }

            if (reader(value, read) is not { } next)
            {
                return (null, DelegationRefusals.InvalidValue(key));
            }

            read = next;
        }

        if (members.Count > 0)
        {
            return (null, DelegationRefusals.InvalidConstraint);
        }

        if (read is { MaxDepth: { } depth, MaxHops: { } hops } && depth != hops)
        {
            return (null, DelegationRefusals.InvalidValue("max_hops"));
        }

        return (read with { MaxHops = read.MaxHops ?? read.MaxDepth, TtlSeconds = read.TtlSeconds ?? bodyTtlSeconds }, null);
    }

    /// <summary>
    /// Reads a stored object, for the Coordinator and the STS alike; null when it is not one of ours, and then nothing may
    /// be derived from its edge and nothing minted with it. Nulls and zeros of older writers mean "not set".
    /// </summary>
    public static DelegationConstraints? TryReadStored(string? json)
    {
        if (string.IsNullOrWhiteSpace(json) || json is "{}" or "null")
        {
            return DelegationConstraints.None;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object && !HasUnset(document.RootElement)
                ? Read(null, document.RootElement, null).Constraints
                : ReadWithoutUnset(document.RootElement);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static DelegationConstraints? ReadWithoutUnset(JsonElement stored)
    {
        if (stored.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var member in stored.EnumerateObject().Where(member => !IsUnset(member.Value)))
            {
                member.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        using var document = JsonDocument.Parse(buffer.GetBuffer().AsMemory(0, (int)buffer.Length));
        return Read(null, document.RootElement, null).Constraints;
    }

    private static bool HasUnset(JsonElement stored) => stored.EnumerateObject().Any(member => IsUnset(member.Value));

    private static bool IsUnset(JsonElement value) =>
        value.ValueKind == JsonValueKind.Null || (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number == 0);

    private static bool Merge(Dictionary<string, JsonElement> members, JsonElement? source)
    {
        if (source is not { } value || value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return true;
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        foreach (var member in value.EnumerateObject())
        {
            members[member.Name] = member.Value;
        }

        return true;
    }

    private static int? Integer(JsonElement value, int maximum) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= 1 && number <= maximum ? number : null;

    private static string? Text(JsonElement value, int maximumLength) =>
        value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text && text.Length <= maximumLength ? text : null;

    private static List<string>? Identifiers(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > DelegationLimits.MaximumResources)
        {
            return null;
        }

        var identifiers = new List<string>(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
        {
            if (Text(item, int.MaxValue) is not { } identifier)
            {
                return null;
            }

            identifiers.Add(identifier);
        }

        return identifiers;
    }
}
