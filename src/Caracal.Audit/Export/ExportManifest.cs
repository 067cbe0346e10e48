using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Caracal.Evidence.Checkpoints;

namespace Caracal.Audit.Export;

/// <summary>What an exported hour holds, and what proves it: <c>….manifest.json</c>.</summary>
public sealed record ExportManifest
{
    public const int CurrentVersion = 1;

    private const string NoteDomain = "caracal.audit.manifest.v1";

    public int Version { get; init; } = CurrentVersion;
    public required DateTimeOffset Hour { get; init; }

    /// <summary>Key of the Parquet file; an empty hour has none.</summary>
    public string? Object { get; init; }

    /// <summary>Of the Parquet file, 64 hex characters.</summary>
    public string? Sha256 { get; init; }
    public long Bytes { get; init; }

    /// <summary>Number of rows.</summary>
    public long Events { get; init; }

    /// <summary>The only part of a manifest that differs when it is made again, so it comes last.</summary>
    [JsonPropertyOrder(1)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The audit key of <c>….manifest.sig</c>; null without one.</summary>
    public string? HmacKeyId { get; init; }

    /// <summary>Who signed the checkpoints and <c>….manifest.note</c>, as <c>name+id+base64</c>; null without one. Told, not to be trusted.</summary>
    public string? CheckpointKey { get; init; }
    public IReadOnlyList<ExportedZone> Zones { get; init; } = [];

    /// <summary>Whether both describe the same rows; when they were made does not matter.</summary>
    public bool Describes(ExportManifest other) =>
        Hour == other.Hour && Sha256 == other.Sha256 && Bytes == other.Bytes && Events == other.Events
        && Zones.Select(zone => (zone.ZoneId, zone.FirstSeq, zone.LastSeq, zone.LastContentSha256))
            .SequenceEqual(other.Zones.Select(zone => (zone.ZoneId, zone.FirstSeq, zone.LastSeq, zone.LastContentSha256)));

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, ManifestContext.Default.ExportManifest);

    /// <summary>Reads a manifest; null when it is none of this version.</summary>
    public static ExportManifest? Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, ManifestContext.Default.ExportManifest) is { Version: CurrentVersion } manifest ? manifest : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The text that the checkpoint key signs for a manifest; it can never be read as a checkpoint, whose second line is a number.</summary>
    public static string NoteText(DateTimeOffset hour, ReadOnlySpan<byte> manifest) =>
        new StringBuilder(NoteDomain).Append('\n').Append(ExportNames.Manifest(hour)).Append('\n')
            .Append(Convert.ToBase64String(SHA256.HashData(manifest))).Append('\n').ToString();

    /// <summary>Whether the note is this manifest's, signed by the key.</summary>
    public static bool IsNoted(string note, NoteKey key, DateTimeOffset hour, ReadOnlySpan<byte> manifest) =>
        SignedNote.Parse(note) is { } signed && signed.IsSignedBy(key) && signed.Text == NoteText(hour, manifest);
}

/// <summary>The rows of one zone in an hour: always one unbroken piece of its chain, unless rows are missing.</summary>
public sealed record ExportedZone
{
    public required string ZoneId { get; init; }
    public required long FirstSeq { get; init; }
    public required long LastSeq { get; init; }

    /// <summary>What the first row is linked to; empty for the first row of all.</summary>
    public required string FirstPrevContentSha256 { get; init; }
    public required string LastContentSha256 { get; init; }
    public required long Events { get; init; }

    /// <summary>The audit keys of the rows' chain MACs.</summary>
    public IReadOnlyList<string> HmacKeyIds { get; init; } = [];

    /// <summary>Checkpoint of the rows before <see cref="FirstSeq"/>, for whoever has no earlier hour; null for the first row of all.</summary>
    public string? StartCheckpoint { get; init; }

    /// <summary>The right edge of that tree (<see cref="TreeFrontier.Export"/>).</summary>
    public string? StartFrontier { get; init; }

    /// <summary>Checkpoint at <see cref="LastSeq"/>; null without a key, or when the rows do not continue what was signed.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>The zone's newest checkpoint of this hour that witnesses cosigned, with their signatures.</summary>
    public string? WitnessedCheckpoint { get; init; }

    /// <summary>The zone's newest checkpoint of this hour that a time-stamp authority stamped.</summary>
    public string? TimeStampedCheckpoint { get; init; }

    /// <summary>The RFC 3161 token over the text of <see cref="TimeStampedCheckpoint"/>, base64.</summary>
    public string? TimeStamp { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(ExportManifest))]
internal sealed partial class ManifestContext : JsonSerializerContext;
