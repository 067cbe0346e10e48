using Caracal.Storage;
using Caracal.Storage.Ledger;

namespace Caracal.Audit.Export;

/// <summary>Where an export remembers how far it has come.</summary>
public interface IExportProgress
{
    Task<ExportProgress> ReadAsync(CancellationToken cancellationToken);

    /// <summary>When the oldest row was ingested; null for an empty ledger.</summary>
    Task<DateTimeOffset?> OldestAsync(CancellationToken cancellationToken);

    /// <summary>Records a complete hour; false when somebody else has.</summary>
    Task<bool> AdvanceAsync(DateTimeOffset? from, DateTimeOffset hour, IReadOnlyDictionary<string, long> zones, DateTimeOffset now, CancellationToken cancellationToken);
}

/// <summary>In the store, where retention sees it: the service's export.</summary>
/// <param name="database">The store of the Audit service.</param>
public sealed class StoredProgress(Database database) : IExportProgress
{
    private readonly ExportStore _store = new(database);

    public Task<ExportProgress> ReadAsync(CancellationToken cancellationToken) => _store.ReadAsync(ExportStore.Hourly, cancellationToken);

    public Task<DateTimeOffset?> OldestAsync(CancellationToken cancellationToken) => _store.OldestAsync(cancellationToken);

    public Task<bool> AdvanceAsync(
        DateTimeOffset? from, DateTimeOffset hour, IReadOnlyDictionary<string, long> zones, DateTimeOffset now, CancellationToken cancellationToken) =>
        _store.AdvanceAsync(ExportStore.Hourly, from, hour, zones, now, cancellationToken);
}

/// <summary>In the manifests of the target: an export by hand changes nothing in the store.</summary>
/// <param name="target">The export.</param>
/// <param name="database">The ledger; only read.</param>
public sealed class ManifestProgress(IExportTarget target, Database database) : IExportProgress
{
    private ExportProgress? _known;

    public async Task<ExportProgress> ReadAsync(CancellationToken cancellationToken)
    {
        if (_known is not null) return _known;
        var zones = new Dictionary<string, long>(StringComparer.Ordinal);
        DateTimeOffset? last = null;
        foreach (var hour in (await target.ListAsync(cancellationToken)).Select(ExportNames.HourOf).OfType<DateTimeOffset>())
        {
            await using var content = await target.OpenAsync(ExportNames.Manifest(hour), cancellationToken);
            using var bytes = new MemoryStream();
            await content!.CopyToAsync(bytes, cancellationToken);
            if (ExportManifest.Parse(bytes.ToArray()) is not { } manifest) throw new ExportTargetException($"{ExportNames.Manifest(hour)} is no manifest");
            foreach (var zone in manifest.Zones) zones[zone.ZoneId] = zone.LastSeq;
            last = hour;
        }

        return _known = new ExportProgress(last, zones);
    }

    public Task<DateTimeOffset?> OldestAsync(CancellationToken cancellationToken) => new ExportStore(database).OldestAsync(cancellationToken);

    public Task<bool> AdvanceAsync(
        DateTimeOffset? from, DateTimeOffset hour, IReadOnlyDictionary<string, long> zones, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var all = new Dictionary<string, long>(_known!.Zones, StringComparer.Ordinal);
        foreach (var (zone, seq) in zones) all[zone] = seq;
        _known = new ExportProgress(hour, all);
        return Task.FromResult(true);
    }
}
