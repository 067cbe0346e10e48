using System.Text;
using System.Text.Json;
using Caracal.Protocol;

namespace Caracal.Authority.Delegations;

/// <summary>The closed constraint object of a delegation, normalised: one form for the Coordinator and the STS (coordinator.md 8, sts.md 7).</summary>
public sealed record DelegationConstraints
{
    /// <summary>No constraint at all.</summary>
    public static readonly DelegationConstraints None = new();

    /// <summary>Resource identifiers; null when absent. An empty list restricts nothing, as at the STS.</summary>
    public IReadOnlyList<string>? Resources { get; init; }
    public int? MaxDepth { get; init; }
    public int? MaxHops { get; init; }
    public int? Budget { get; init; }
    public int? TtlSeconds { get; init; }
    public bool? PolicyApproved { get; init; }

    /// <summary>As the caller wrote it; <see cref="Expiry"/> is its value.</summary>
    public string? ExpiresAt { get; init; }
    public string? BroadReason { get; init; }

    /// <summary><see cref="ExpiresAt"/> as a time.</summary>
    public DateTimeOffset? Expiry =>
        Timestamps.TryParseUtc(ExpiresAt, secondsOptional: false, out var time) ? time : null;

    /// <summary>How many hops may follow, this one included.</summary>
    public int Hops => MaxHops ?? DelegationLimits.DefaultHops;

    /// <summary>The object as it is stored and answered.</summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, ConstraintReader.WriterOptions))
        {
            WriteTo(writer);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>Writes the members that are set, in the specification's order.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        if (Resources is not null)
        {
            writer.WriteStartArray("resources"u8);
            foreach (var resource in Resources)
            {
                writer.WriteStringValue(resource);
            }

            writer.WriteEndArray();
        }

        WriteNumber(writer, "max_depth"u8, MaxDepth);
        WriteNumber(writer, "max_hops"u8, MaxHops);
        WriteNumber(writer, "budget"u8, Budget);
        WriteNumber(writer, "ttl_seconds"u8, TtlSeconds);
        if (PolicyApproved is { } approved)
        {
            writer.WriteBoolean("policy_approved"u8, approved);
        }

        WriteText(writer, "expires_at"u8, ExpiresAt);
        WriteText(writer, "broad_reason"u8, BroadReason);
        writer.WriteEndObject();
    }

    private static void WriteNumber(Utf8JsonWriter writer, ReadOnlySpan<byte> name, int? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, number);
        }
    }

    private static void WriteText(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }
}
