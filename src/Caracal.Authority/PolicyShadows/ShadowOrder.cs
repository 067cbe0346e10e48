using System.Text.Json;

namespace Caracal.Authority.PolicyShadows;

/// <summary>
/// A candidate to be asked beside a zone's active set: what the control plane leaves in the shared state for every STS.
/// The policies themselves are read from the database, by the ids of the manifest.
/// </summary>
public sealed record ShadowOrder
{
    /// <summary>How many instances, restarted ones included, may report on one shadow.</summary>
    public const int MostReporters = 64;

    /// <summary>How long counts are kept after the end.</summary>
    public static readonly TimeSpan KeptAfterwards = TimeSpan.FromDays(1);

    public required string Id { get; init; }
    public required string ZoneId { get; init; }
    public required string PolicySetId { get; init; }
    public required string VersionId { get; init; }
    public required string ManifestJson { get; init; }
    public required string ManifestSha256 { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    public required DateTimeOffset EndsAt { get; init; }

    /// <summary>Examples that each instance keeps of each kind of change.</summary>
    public required int Examples { get; init; }

    /// <summary>Where the zone's order lies.</summary>
    public static string KeyOf(string zoneId) => $"policy:shadow:{zoneId}";

    /// <summary>The order in a stored text; null when it is none of ours, and then nothing is shadowed.</summary>
    public static ShadowOrder? TryRead(string? text)
    {
        try
        {
            return text is null ? null : JsonSerializer.Deserialize(text, ShadowJson.Default.ShadowOrder);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Who reports under a number, taken in order from 0: the first number nobody has is the end.</summary>
    public string ReporterKey(int number) => $"policy:shadow_reporter:{ZoneId}:{Id}:{number}";

    /// <summary>The report of the instance that took a number.</summary>
    public string ReportKey(int number) => $"policy:shadow_report:{ZoneId}:{Id}:{number}";

    public bool IsRunningAt(DateTimeOffset now) => now < EndsAt;

    /// <summary>From <paramref name="now"/> until what belongs to the order may be forgotten; never under a minute.</summary>
    public TimeSpan LifetimeFrom(DateTimeOffset now)
    {
        var left = EndsAt + KeptAfterwards - now;
        return left > TimeSpan.FromMinutes(1) ? left : TimeSpan.FromMinutes(1);
    }

    public string ToJson() => JsonSerializer.Serialize(this, ShadowJson.Default.ShadowOrder);
}
