using System.Text.Json;
using System.Text.Json.Serialization;

namespace Caracal.Authority.PolicyShadows;

/// <summary>What one STS instance counted of one shadow, or the sum of several.</summary>
public sealed record ShadowReport
{
    public long Unchanged { get; init; }
    public long NewlyAllowed { get; init; }
    public long NewlyDenied { get; init; }
    public long NewlyHeld { get; init; }
    public long NoLongerHeld { get; init; }

    /// <summary>Questions the candidate's engine could not answer; they are counted as refused, too.</summary>
    public long Errors { get; init; }

    /// <summary>Questions that were not put to the candidate because too many waited.</summary>
    public long Dropped { get; init; }

    /// <summary>Why an instance cannot ask the candidate at all; null when it can.</summary>
    public string? Problem { get; init; }

    public IReadOnlyList<ShadowExample> Examples { get; init; } = [];

    [JsonIgnore]
    public long Evaluated => Unchanged + NewlyAllowed + NewlyDenied + NewlyHeld + NoLongerHeld;

    /// <summary>The report in a stored text; null when it is none.</summary>
    public static ShadowReport? TryRead(string? text)
    {
        try
        {
            return text is null ? null : JsonSerializer.Deserialize(text, ShadowJson.Default.ShadowReport);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Both reports as one.</summary>
    public ShadowReport With(ShadowReport other) => new()
    {
        Unchanged = Unchanged + other.Unchanged,
        NewlyAllowed = NewlyAllowed + other.NewlyAllowed,
        NewlyDenied = NewlyDenied + other.NewlyDenied,
        NewlyHeld = NewlyHeld + other.NewlyHeld,
        NoLongerHeld = NoLongerHeld + other.NoLongerHeld,
        Errors = Errors + other.Errors,
        Dropped = Dropped + other.Dropped,
        Problem = Problem ?? other.Problem,
        Examples = [.. Examples, .. other.Examples],
    };

    public string ToJson() => JsonSerializer.Serialize(this, ShadowJson.Default.ShadowReport);
}

/// <summary>A question that the candidate answered otherwise. Holds no token and no subject's value.</summary>
public sealed record ShadowExample
{
    /// <summary><c>newly_allowed</c>, <c>newly_denied</c>, <c>newly_held</c> or <c>no_longer_held</c>.</summary>
    public required string Change { get; init; }

    public required string? RequestId { get; init; }
    public required DateTimeOffset OccurredAt { get; init; }

    /// <summary>What was decided: <c>allow</c> or <c>deny</c>.</summary>
    public required string Decided { get; init; }

    /// <summary>The candidate's reason, cut to 256 characters; empty when it gives none.</summary>
    public required string Reason { get; init; }

    public required string PrincipalId { get; init; }
    public required string Resource { get; init; }
    public required IReadOnlyList<string> RequestedScopes { get; init; }
    public required string? AgentSessionId { get; init; }
    public required IReadOnlyList<string> AgentLabels { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ShadowOrder))]
[JsonSerializable(typeof(ShadowReport))]
internal sealed partial class ShadowJson : JsonSerializerContext;
