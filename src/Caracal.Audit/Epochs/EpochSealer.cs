using System.Text.Json;
using Caracal.Audit.Ingest;
using Caracal.Audit.Tampering;
using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Epochs;

/// <summary>
/// Seals what the old audit key has signed once every writer signs with the new one: each chain's rows are verified with the
/// key that is about to go and bound by the one that came (operations.md 4.6.3). Replicas may do it at once, and a restart
/// goes on where the last one was: a chain is sealed once per rotation, in one transaction with the event that tells of it.
/// </summary>
/// <param name="database">The store.</param>
/// <param name="keys">Every slot of the audit key.</param>
/// <param name="writer">Appends the event.</param>
/// <param name="clock">Database time.</param>
/// <param name="logger">What was sealed, and what was found.</param>
internal sealed class EpochSealer(Database database, HmacKeyRing keys, LedgerWriter writer, DatabaseClock clock, ILogger logger)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private const string SystemZone = "caracal.sys";

    private readonly EpochStore _store = new(database);
    private readonly LedgerReader _ledger = new(database);
    private readonly AdminLedgerReader _admin = new(database);
    private readonly LedgerRetention _retention = new(database);
    private readonly SweepJournal _alerts = new(new SweepStore(database), keys, clock, 0);

    /// <summary>One look, and all there is to do.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (await _store.FindUnsealedAsync(cancellationToken) is not { } rotation) return;

        // A ring that has not followed yet could neither verify the old rows nor sign for them.
        var ring = keys.Keys;
        var old = ring.All().Select(slot => slot.Key).FirstOrDefault(key => key.SecretId == rotation.FromSid);
        if (old is null || ring.Current.SecretId != rotation.ToSid) return;
        var known = await _store.ListAsync(cancellationToken);
        var all = true;
        foreach (var zone in await _ledger.ZonesAsync(cancellationToken))
        {
            var told = await _retention.DroppedAsync(zone, cancellationToken);
            all &= await SealAsync(
                rotation, old, ring.Current, known, new SealedChain(zone, zone, false, told, DroppedRows.Vouched(told, keys), (after, limit, token) => RowsAsync(zone, after, limit, token)), cancellationToken);
        }

        foreach (var zone in await _admin.ChainsAsync(cancellationToken))
        {
            all &= await SealAsync(rotation, old, ring.Current, known, new SealedChain(AdminAuditHash.ChainOf(zone), zone, true, [], new DroppedRows([]), (after, limit, token) => AdminRowsAsync(zone, after, limit, token)), cancellationToken);
        }

        if (all) await CompleteAsync(rotation, old, ring.Current, cancellationToken);
    }

    // Of each row only what a verification needs: whole rows of a large chain would keep the collector busy.
    private async Task<ReadRows> RowsAsync(string zone, long after, int limit, CancellationToken cancellationToken)
    {
        var page = await _ledger.LinksAsync(zone, after, limit, cancellationToken);
        return new ReadRows(page.Rows, page);
    }

    private async Task<ReadRows> AdminRowsAsync(string zone, long after, int limit, CancellationToken cancellationToken) =>
        new(await _admin.ChainAsync(zone, after, limit, cancellationToken));

    // False when the old key signed once more while the chain was walked, or retention removed rows of it: the next look walks again.
    private async Task<bool> SealAsync(
        AuditKeyRotation rotation, HmacKey old, HmacKey current, IReadOnlyList<SealedEpoch> known, SealedChain chain, CancellationToken cancellationToken)
    {
        var own = known.Where(epoch => epoch.Chain == chain.Name).ToList();
        if (own.Exists(epoch => epoch.RotationId == rotation.Id)) return true;
        var walk = await EpochEnd.BeginAsync(chain, keys, old, own.Count == 0 ? 0 : own.Max(epoch => epoch.LastSeq), clock.Process, cancellationToken);
        await walk.AdvanceAsync(cancellationToken);
        if (walk.ToEpoch(Ids.New(), rotation.Id) is not { } epoch) return true;
        var outcome = await database.WriteAsync(
            WriteKind.Bookkeeping,
            async work =>
            {
                if (!chain.IsAdmin && !await LedgerRetention.HoldsStillAsync(work, chain.ZoneId, new DroppedRange(epoch.FirstSeq, epoch.LastSeq, epoch.RowCount ?? 0), chain.Told.Count)) return SealOutcome.Later;
                await EpochStore.HoldAsync(work, chain.ZoneId.Length == 0 ? null : chain.ZoneId, chain.IsAdmin);
                if (await EpochStore.HasLaterAsync(work, chain.ZoneId, chain.IsAdmin, epoch.LastSeq, old.KeyId)) return SealOutcome.Later;
                if (!await EpochStore.AddAsync(work, epoch, clock.Now)) return SealOutcome.Known;
                await EpochStore.VouchAsync(work, epoch.Id, new EpochMac(current.KeyId, EpochSeal.Mac(current, epoch)), clock.Now);
                await writer.AppendOwnAsync(work, Told(rotation, chain, epoch), current);
                return SealOutcome.Added;
            },
            cancellationToken);
        if (outcome == SealOutcome.Added) await _alerts.TellAsync(walk.Report.Findings, cancellationToken);
        return outcome != SealOutcome.Later;
    }

    // Older seals must not depend on a key that goes: each is verified, then the new key vouches for it too. So do records of
    // removals; one that nobody vouches for is told of by every sweep.
    private async Task CompleteAsync(AuditKeyRotation rotation, HmacKey old, HmacKey current, CancellationToken cancellationToken)
    {
        var epochs = await _store.ListAsync(cancellationToken);
        var unproven = epochs.Where(epoch => epoch.Verify(keys) != true).ToList();
        var sealedNow = epochs.Where(epoch => epoch.RotationId == rotation.Id).ToList();
        var problems = unproven.Count + sealedNow.Sum(epoch => epoch.Problems);
        var removals = new List<DroppedMonth>();
        foreach (var zone in await _ledger.ZonesAsync(cancellationToken))
        {
            removals.AddRange((await _retention.DroppedAsync(zone, cancellationToken)).Where(month => month.IsVouched(keys) && !month.IsBy(current.KeyId)));
        }

        await database.WriteAsync(
            WriteKind.Bookkeeping,
            async work =>
            {
                foreach (var epoch in epochs.Except(unproven).Where(epoch => !epoch.Macs.Any(mac => mac.MacKeyId == current.KeyId)))
                {
                    await EpochStore.VouchAsync(work, epoch.Id, new EpochMac(current.KeyId, EpochSeal.Mac(current, epoch)), clock.Now);
                }

                foreach (var month in removals) await LedgerRetention.VouchAsync(work, month, month.Mac(current), clock.Now);
                await EpochStore.CompleteAsync(work, rotation.Id, old.KeyId, sealedNow.Count, problems, clock.Now);
                return 0;
            },
            cancellationToken);
        if (problems > 0) AuditLog.EpochProblems(logger, rotation.Id, problems);
        AuditLog.EpochsSealed(logger, rotation.Id, sealedNow.Count);
    }

    private enum SealOutcome
    {
        Later,
        Known,
        Added,
    }

    private AuditEvent Told(AuditKeyRotation rotation, SealedChain chain, SealedEpoch epoch) => new()
    {
        ZoneId = chain.ZoneId.Length == 0 ? SystemZone : chain.ZoneId,
        EventType = AuditEventTypes.AuditKeyRotated,
        RequestId = rotation.Id,
        Decision = AuditDecisions.Allow,
        MetadataJson = AuditJson.Object((rotation, epoch), static (writer, told) => Members(writer, told.rotation, told.epoch)),
        OccurredAt = clock.Now,
    };

    private static void Members(Utf8JsonWriter writer, AuditKeyRotation rotation, SealedEpoch epoch)
    {
        writer.WriteString("chain", epoch.Chain);
        writer.WriteString("from_sid", rotation.FromSid);
        writer.WriteString("to_sid", rotation.ToSid);
        writer.WriteString("rotation_id", rotation.Id);
        writer.WriteNumber("first_seq", epoch.FirstSeq);
        writer.WriteNumber("last_seq", epoch.LastSeq);
        writer.WriteString("digest", epoch.Digest);
    }
}
