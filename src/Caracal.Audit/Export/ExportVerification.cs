using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;

namespace Caracal.Audit.Export;

/// <summary>Whom a verification of an export trusts.</summary>
public sealed record ExportTrust
{
    /// <summary>The public checkpoint key; null proves links and hashes only, which whoever wrote the export can make.</summary>
    public NoteKey? Key { get; init; }

    /// <summary>Checkpoints that were kept elsewhere.</summary>
    public IReadOnlyList<Checkpoint> Kept { get; init; } = [];

    /// <summary>Time-stamp authorities, or who vouches for them; null leaves time-stamps unread.</summary>
    public X509Certificate2Collection? TimeStampAuthorities { get; init; }

    /// <summary>The audit keys, for whoever has them: also checks chain MACs and <c>….manifest.sig</c>.</summary>
    public HmacKeyRing? AuditKeys { get; init; }
}

/// <summary>Verifies an export from itself: manifests, files, chains and trees (audit.md 8). It needs no ledger and no service.</summary>
/// <param name="target">The export.</param>
/// <param name="trust">Keys.</param>
/// <param name="watch">Shown every row, before it is known whether the export holds.</param>
public sealed class ExportVerification(IExportTarget target, ExportTrust trust, Action<LedgerRow>? watch = null)
{
    private const int MostFindings = 1000;
    private const int HoursOfDay = 24;

    private readonly List<ExportFinding> _findings = [];
    private readonly Dictionary<string, ExportedChain> _chains = new(StringComparer.Ordinal);
    private long _faults;
    private long _rows;
    private long _total;

    /// <summary>Every hour.</summary>
    public async Task<ExportReport> RunAsync(IProgress<VerificationProgress>? progress, CancellationToken cancellationToken)
    {
        var keys = await target.ListAsync(cancellationToken);
        var hours = keys.Select(ExportNames.HourOf).OfType<DateTimeOffset>().ToList();
        if (hours.Count == 0) Report("manifest_mismatch", null, null, 0, "there is no manifest at all");
        var manifests = new List<ExportManifest>(hours.Count);
        foreach (var hour in hours)
        {
            if (await ReadManifestAsync(hour, cancellationToken) is { } manifest) manifests.Add(manifest);
        }

        ReportStrangers(keys, manifests);
        return await VerifyAsync(manifests, progress, cancellationToken);
    }

    /// <summary>The newest hour, and where it is empty the newest of the day before it that is not, with what lies between; not that older ones are there.</summary>
    public async Task<ExportReport> RunNewestAsync(IProgress<VerificationProgress>? progress, CancellationToken cancellationToken)
    {
        var hours = (await target.ListAsync(cancellationToken)).Select(ExportNames.HourOf).OfType<DateTimeOffset>().OrderDescending().Take(HoursOfDay).ToList();
        if (hours.Count == 0) Report("manifest_mismatch", null, null, 0, "there is no manifest at all");
        var manifests = new List<ExportManifest>();
        foreach (var hour in hours)
        {
            if (await ReadManifestAsync(hour, cancellationToken) is not { } manifest) continue;
            manifests.Insert(0, manifest);
            if (manifest.Events > 0) break;
        }

        return await VerifyAsync(manifests, progress, cancellationToken);
    }

    private async Task<ExportReport> VerifyAsync(IReadOnlyList<ExportManifest> manifests, IProgress<VerificationProgress>? progress, CancellationToken cancellationToken)
    {
        _total = manifests.Sum(manifest => manifest.Events);
        DateTimeOffset? before = null;
        foreach (var manifest in manifests)
        {
            for (var missing = before?.AddHours(1); missing < manifest.Hour; missing = missing.Value.AddHours(1)) Report("hour_missing", Name(missing.Value), null, 0, "every hour has a manifest, also an empty one");
            before = manifest.Hour;
            await VerifyHourAsync(manifest, progress, cancellationToken);
        }

        foreach (var chain in _chains.Values) chain.Complete();
        foreach (var kept in trust.Kept.Where(kept => !_chains.Keys.Any(zone => Checkpoint.OriginOf(trust.Key!.Name, zone) == kept.Origin)))
        {
            Report("checkpoint_mismatch", null, kept.Origin, kept.Size, "the export holds no row of the zone of a kept checkpoint");
        }

        return new ExportReport(manifests.Count, _rows, _faults, _findings, _chains.ToDictionary(chain => chain.Key, chain => chain.Value.Proven, StringComparer.Ordinal),
            _chains.Where(chain => chain.Value.Stamped.Seq > 0).ToDictionary(chain => chain.Key, chain => chain.Value.Stamped, StringComparer.Ordinal));
    }

    private async Task<ExportManifest?> ReadManifestAsync(DateTimeOffset hour, CancellationToken cancellationToken)
    {
        var bytes = (await ReadAsync(ExportNames.Manifest(hour), cancellationToken))!;
        if (ExportManifest.Parse(bytes) is not { } manifest || manifest.Hour != hour || manifest.Events < 0)
        {
            Report("manifest_mismatch", Name(hour), null, 0, "the manifest cannot be read, or is another hour's");
            return null;
        }

        if (trust.Key is { } key && (await ReadAsync(ExportNames.ManifestNote(hour), cancellationToken) is not { } note || !ExportManifest.IsNoted(Encoding.UTF8.GetString(note), key, hour, bytes)))
        {
            Report("manifest_mismatch", Name(hour), null, 0, "the checkpoint key did not sign this manifest");
        }

        if (trust.AuditKeys is { } ring && (await ReadAsync(ExportNames.ManifestMac(hour), cancellationToken) is not { } mac
            || !ring.Keys.All().Any(slot => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(ChainAnchor.ManifestMac(slot.Key, bytes)), mac))))
        {
            Report("manifest_mismatch", Name(hour), null, 0, "no loaded audit key signed this manifest");
        }

        return manifest;
    }

    // A file of rows that no manifest speaks for could hold anything.
    private void ReportStrangers(IReadOnlyList<string> keys, List<ExportManifest> manifests)
    {
        var known = manifests.Select(manifest => manifest.Object).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var key in keys.Where(key => key.EndsWith(".parquet", StringComparison.Ordinal) && !known.Contains(key)))
        {
            Report("manifest_mismatch", key, null, 0, "no manifest speaks for this file");
        }
    }

    private async Task VerifyHourAsync(ExportManifest manifest, IProgress<VerificationProgress>? progress, CancellationToken cancellationToken)
    {
        var name = Name(manifest.Hour);
        var zones = manifest.Zones.ToDictionary(zone => zone.ZoneId, StringComparer.Ordinal);
        foreach (var zone in manifest.Zones) Chain(zone).Begin(name, zone);
        var seen = new Dictionary<string, long>(StringComparer.Ordinal);
        if (manifest.Events > 0 || manifest.Object is not null)
        {
            await using var file = manifest.Object == ExportNames.Rows(manifest.Hour) ? await target.OpenAsync(manifest.Object, cancellationToken) : null;
            if (file is null)
            {
                Report("object_missing", name, null, 0, "the file of this hour's rows is missing");
            }
            else
            {
                if (file.Length != manifest.Bytes || Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken)) != manifest.Sha256) Report("object_mismatch", name, null, 0, "the file is not the one the manifest tells of");
                file.Position = 0;
                await VerifyRowsAsync(file, name, zones, seen, progress, cancellationToken);
            }
        }

        foreach (var zone in manifest.Zones) Chain(zone).End(seen.GetValueOrDefault(zone.ZoneId));
        if (seen.Values.Sum() != manifest.Events) Report("manifest_mismatch", name, null, 0, $"the manifest tells of {manifest.Events} rows, the file holds {seen.Values.Sum()}");
    }

    private async Task VerifyRowsAsync(
        Stream file, string name, Dictionary<string, ExportedZone> zones, Dictionary<string, long> seen, IProgress<VerificationProgress>? progress, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var row in LedgerFileReader.ReadAsync(file, cancellationToken))
            {
                watch?.Invoke(row);
                var zone = row.Entry.ZoneId;
                seen[zone] = seen.GetValueOrDefault(zone) + 1;
                if (zones.ContainsKey(zone)) _chains[zone].Add(row);
                else if (seen[zone] == 1) Report("manifest_mismatch", name, zone, row.ChainSeq, "the manifest does not tell of this zone");
                if (++_rows % 10_000 == 0) progress?.Report(new VerificationProgress(_rows, _total));
            }
        }
        catch (InvalidDataException fault)
        {
            Report("object_mismatch", name, null, 0, fault.Message);
        }
    }

    private ExportedChain Chain(ExportedZone zone)
    {
        if (!_chains.TryGetValue(zone.ZoneId, out var chain)) _chains[zone.ZoneId] = chain = new ExportedChain(zone, trust, Report);
        return chain;
    }

    private async Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        await using var content = await target.OpenAsync(key, cancellationToken);
        if (content is null) return null;
        using var bytes = new MemoryStream();
        await content.CopyToAsync(bytes, cancellationToken);
        return bytes.ToArray();
    }

    private void Report(string word, string? hour, string? zone, long seq, string detail) => Report(new ExportFinding(word, hour, zone, seq, detail));

    private void Report(ExportFinding finding)
    {
        _faults++;
        if (_findings.Count < MostFindings) _findings.Add(finding);
    }

    private static string Name(DateTimeOffset hour) => hour.UtcDateTime.ToString(ExportNames.HourForm, CultureInfo.InvariantCulture);
}
