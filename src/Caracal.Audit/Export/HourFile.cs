using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Export;

/// <summary>Writes the rows of one hour to a file, zone by zone in chain order, and tells what it wrote.</summary>
/// <param name="database">The ledger.</param>
/// <param name="signer">Signs where each zone's rows end; null without a key.</param>
/// <param name="logger">Rows that cannot be vouched for are alerts; they are shipped all the same.</param>
internal sealed class HourFile(Database database, NoteSigner? signer, ILogger logger)
{
    private const int PageSize = 2000;

    private readonly LedgerReader _ledger = new(database);
    private readonly CheckpointStore _checkpoints = new(database);

    public async Task<IReadOnlyList<ExportedZone>> WriteAsync(
        Stream file, DateTimeOffset hour, DateTimeOffset end, IReadOnlyDictionary<string, long> after, CancellationToken cancellationToken)
    {
        await using var writer = await LedgerFileWriter.CreateAsync(file, cancellationToken);
        var zones = new List<ExportedZone>();
        foreach (var (zoneId, head, _) in (await _checkpoints.HeadsAsync(cancellationToken)).OrderBy(zone => zone.ZoneId, StringComparer.Ordinal))
        {
            var from = after.GetValueOrDefault(zoneId);
            if (head > from && await WriteZoneAsync(writer, zoneId, from, end, cancellationToken) is { } zone) zones.Add(zone);
        }

        await writer.CompleteAsync(cancellationToken);
        await file.FlushAsync(cancellationToken);
        AuditLog.ExportWritten(logger, ExportNames.Rows(hour), zones.Sum(zone => zone.Events), zones.Count);
        return zones;
    }

    private async Task<ExportedZone?> WriteZoneAsync(LedgerFileWriter writer, string zoneId, long after, DateTimeOffset end, CancellationToken cancellationToken)
    {
        var keys = new SortedSet<string>(StringComparer.Ordinal);
        ZoneEdge? edge = null;
        LedgerRow? first = null;
        LedgerRow? last = null;
        long events = 0;
        await foreach (var row in _ledger.WalkAsync(zoneId, after, PageSize, cancellationToken))
        {
            if (row.IngestedAt >= end) break;
            if (first is null && signer is not null) edge = await ZoneEdge.OpenAsync(_checkpoints, signer, zoneId, row.ChainSeq - 1, cancellationToken);
            first ??= row;
            last = row;
            events++;
            if (row.HmacKeyId is { } keyId) keys.Add(keyId);
            if (edge is not null) await edge.AddAsync(row, cancellationToken);
            await writer.AddAsync(row, cancellationToken);
        }

        if (first is null || last is null) return null;
        var checkpoint = edge?.Checkpoint();
        if (edge is not null && checkpoint is null) AuditLog.CheckpointRefused(logger, zoneId, last.ChainSeq, edge.Fault);
        var (stamped, stamp) = edge is null ? default : await edge.TimeStampedAsync(first.ChainSeq - 1, last.ChainSeq, cancellationToken);
        return new ExportedZone
        {
            ZoneId = zoneId,
            FirstSeq = first.ChainSeq,
            LastSeq = last.ChainSeq,
            FirstPrevContentSha256 = first.PrevContentSha256 ?? "",
            LastContentSha256 = last.ContentSha256,
            Events = events,
            HmacKeyIds = [.. keys],
            StartCheckpoint = edge?.StartCheckpoint,
            StartFrontier = edge?.StartFrontier,
            Checkpoint = checkpoint,
            WitnessedCheckpoint = edge is null ? null : await edge.WitnessedAsync(last.ChainSeq, cancellationToken),
            TimeStampedCheckpoint = stamped,
            TimeStamp = stamp,
        };
    }
}
