using System.Security.Cryptography;
using System.Text;
using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Export;

/// <summary>
/// Ships the ledger hour by hour (audit.md 8). An hour holds, of every zone, the unbroken continuation of what left before,
/// up to the first row ingested after it: so no row is left out or shipped twice, whatever the clocks of replicas say. The
/// watermark moves after the hour is complete at its target; whoever is killed before makes the same hour again.
/// </summary>
/// <param name="database">The ledger.</param>
/// <param name="target">Where to.</param>
/// <param name="progress">Remembers what is done.</param>
/// <param name="settings">Scratch folder and first hour.</param>
/// <param name="keys">Signs manifests; null only in dev.</param>
/// <param name="signer">Signs checkpoints and manifests for whoever has no audit key; null without <c>AUDIT_CHECKPOINT_KEY</c>.</param>
/// <param name="metrics">Counts.</param>
/// <param name="clock">Database time.</param>
/// <param name="logger">Where trouble is told.</param>
public sealed class HourlyExport(
    Database database, IExportTarget target, IExportProgress progress, ExportSettings settings, HmacKeyRing? keys, NoteSigner? signer,
    AuditMetrics metrics, DatabaseClock clock, ILogger logger)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>Transactions stamp their rows when they begin: an hour is shipped when none of it can be open any more.</summary>
    public static readonly TimeSpan Settling = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly HourFile _file = new(database, signer, logger);

    /// <summary>Hours that are due after the one that was shipped last.</summary>
    public long Backlog { get; private set; }

    /// <summary>Ships every hour that is due; stops at the first that fails, which the next run tries again.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var started = clock.Now;
        try
        {
            while (await RunOneAsync(cancellationToken))
            {
                // The next hour, until none is due.
            }
        }
        catch (Exception fault) when (fault is ExportTargetException or StorageUnavailableException or IOException)
        {
            metrics.ExportErrors.Add();
            AuditLog.ExportFailed(logger, fault);
        }

        metrics.ExportTook(clock.Now - started);
    }

    /// <summary>Ships the next hour; false when none is due.</summary>
    public async Task<bool> RunOneAsync(CancellationToken cancellationToken)
    {
        var done = await progress.ReadAsync(cancellationToken);
        var last = ExportNames.HourOf(clock.Now - Settling) - Hour;
        var hour = done.LastHour + Hour ?? settings.StartHour ?? (await progress.OldestAsync(cancellationToken) is { } oldest ? ExportNames.HourOf(oldest) : last);
        Backlog = hour > last ? 0 : (long)((last - hour) / Hour);
        metrics.ExportStands(done.LastHour, hour > last ? 0 : Backlog + 1);
        if (hour > last) return false;

        var zones = await CompleteAsync(hour, done.Zones, cancellationToken);
        var moved = await progress.AdvanceAsync(
            done.LastHour, hour, zones.ToDictionary(zone => zone.ZoneId, zone => zone.LastSeq, StringComparer.Ordinal), clock.Now, cancellationToken);
        if (moved) metrics.ExportedEvents.Add(zones.Sum(zone => zone.Events));
        return true;
    }

    // Another exporter, or this one before it was killed, may have put any part of the hour there.
    private async Task<IReadOnlyList<ExportedZone>> CompleteAsync(DateTimeOffset hour, IReadOnlyDictionary<string, long> after, CancellationToken cancellationToken)
    {
        if (await FindCompleteAsync(hour, cancellationToken) is { } there) return there.Zones;
        await using var rows = OpenScratch(settings.TemporaryFolder);
        var zones = await _file.WriteAsync(rows, hour, hour + Hour, after, cancellationToken);
        var events = zones.Sum(zone => zone.Events);
        rows.Position = 0;
        var manifest = new ExportManifest
        {
            Hour = hour,
            Object = events == 0 ? null : ExportNames.Rows(hour),
            Sha256 = events == 0 ? null : Convert.ToHexStringLower(await SHA256.HashDataAsync(rows, cancellationToken)),
            Bytes = events == 0 ? 0 : rows.Length,
            Events = events,
            CreatedAt = DateTimeOffset.FromUnixTimeSeconds(clock.Now.ToUnixTimeSeconds()), // whole seconds: two exporters write as many bytes
            HmacKeyId = keys?.KeyId,
            CheckpointKey = signer?.Key.ToString(),
            Zones = zones,
        };
        if (events > 0 && !await PutAsync(manifest.Object!, rows, rows.Length, cancellationToken)) await RequireSameAsync(manifest, cancellationToken);
        await SignAsync(manifest, cancellationToken);
        return zones;
    }

    // One hour of everybody's decisions is nobody else's to read, and gone with the process that held it.
    private static FileStream OpenScratch(string folder)
    {
        Directory.CreateDirectory(folder);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Options = FileOptions.DeleteOnClose };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(Path.Combine(folder, $"caracal-audit-{Guid.NewGuid():N}.parquet"), options);
    }

    private async Task SignAsync(ExportManifest manifest, CancellationToken cancellationToken)
    {
        var bytes = manifest.ToBytes();
        var fixedLength = bytes.AsSpan().LastIndexOf("\"created_at\""u8);
        if (!await PutAsync(ExportNames.Manifest(manifest.Hour), bytes, fixedLength, cancellationToken))
        {
            bytes = await ReadAsync(ExportNames.Manifest(manifest.Hour), cancellationToken);
            if (bytes is null || ExportManifest.Parse(bytes) is not { } there || !there.Describes(manifest)) throw Conflict(manifest.Hour, "its manifest tells of other rows");
        }

        if (keys is not null) await PutSignatureAsync(ExportNames.ManifestMac(manifest.Hour), ChainAnchor.ManifestMac(keys.Current, bytes), cancellationToken);
        if (signer is null) return;
        await PutSignatureAsync(ExportNames.ManifestNote(manifest.Hour), SignedNote.Sign(ExportManifest.NoteText(manifest.Hour, bytes), signer, DateTimeOffset.UnixEpoch), cancellationToken);
    }

    private Task PutSignatureAsync(string key, string text, CancellationToken cancellationToken)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return PutAsync(key, bytes, bytes.Length, cancellationToken);
    }

    // What we signed before is complete: its rows were there before its manifest.
    private async Task<ExportManifest?> FindCompleteAsync(DateTimeOffset hour, CancellationToken cancellationToken)
    {
        if (await ReadAsync(ExportNames.Manifest(hour), cancellationToken) is not { } bytes || ExportManifest.Parse(bytes) is not { } manifest || manifest.Hour != hour) return null;
        if (keys is not null)
        {
            if (await ReadAsync(ExportNames.ManifestMac(hour), cancellationToken) is not { } mac) return null;
            if (!keys.Keys.All().Any(slot => ChainAnchor.ManifestMac(slot.Key, bytes) == Encoding.ASCII.GetString(mac))) throw Conflict(hour, "its manifest has a signature that is not ours");
        }

        if (signer is not null)
        {
            if (await ReadAsync(ExportNames.ManifestNote(hour), cancellationToken) is not { } note) return null;
            if (!ExportManifest.IsNoted(Encoding.UTF8.GetString(note), signer.Key, hour, bytes)) throw Conflict(hour, "its manifest has a note that is not ours");
        }

        return manifest;
    }

    private async Task RequireSameAsync(ExportManifest manifest, CancellationToken cancellationToken)
    {
        await using var there = await target.OpenAsync(manifest.Object!, cancellationToken);
        if (there is null || Convert.ToHexStringLower(await SHA256.HashDataAsync(there, cancellationToken)) != manifest.Sha256) throw Conflict(manifest.Hour, "its rows are others");
    }

    private async Task<bool> PutAsync(string key, byte[] bytes, int fixedLength, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream(bytes);
        return await PutAsync(key, content, fixedLength, cancellationToken);
    }

    /// <summary>Creates an object, or ends an upload of it that broke off; false when another whole one is there.</summary>
    /// <param name="key">Where.</param>
    /// <param name="content">What.</param>
    /// <param name="fixedLength">Bytes at its beginning that are the same whenever it is made.</param>
    /// <param name="cancellationToken">Stops it.</param>
    private async Task<bool> PutAsync(string key, Stream content, long fixedLength, CancellationToken cancellationToken)
    {
        if (await target.CreateAsync(key, content, cancellationToken)) return true;
        await using (var there = await target.OpenAsync(key, cancellationToken))
        {
            if (there is null || there.Length >= content.Length || !await BeginsAsync(there, content, fixedLength, cancellationToken)) return false;
        }

        await target.MendAsync(key, content, cancellationToken);
        return true;
    }

    private static async Task<bool> BeginsAsync(Stream part, Stream whole, long fixedLength, CancellationToken cancellationToken)
    {
        var (one, other) = (new byte[81920], new byte[81920]);
        whole.Position = 0;
        for (var at = 0L; at < Math.Min(part.Length, fixedLength); at += one.Length)
        {
            var length = (int)Math.Min(Math.Min(part.Length, fixedLength) - at, one.Length);
            await part.ReadExactlyAsync(one.AsMemory(0, length), cancellationToken);
            await whole.ReadExactlyAsync(other.AsMemory(0, length), cancellationToken);
            if (!one.AsSpan(0, length).SequenceEqual(other.AsSpan(0, length))) return false;
        }

        return true;
    }

    private async Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        await using var content = await target.OpenAsync(key, cancellationToken);
        if (content is null) return null;
        using var bytes = new MemoryStream();
        await content.CopyToAsync(bytes, cancellationToken);
        return bytes.ToArray();
    }

    private static ExportTargetException Conflict(DateTimeOffset hour, string why) => new($"export_object_conflict: {ExportNames.Manifest(hour)} is there already, and {why}");
}
