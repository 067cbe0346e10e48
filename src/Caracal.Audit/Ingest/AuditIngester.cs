using Caracal.Audit.DeadLetters;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Caracal.Storage.Ledger;

namespace Caracal.Audit.Ingest;

/// <summary>
/// From frames to ledger rows (audit.md 3): every frame is stored, known already, or dead-lettered when
/// <see cref="IngestAsync"/> returns; when it throws, the store could not be reached and the rest must come again.
/// </summary>
/// <param name="writer">Appends to the chains.</param>
/// <param name="deadLetters">Takes what cannot be stored.</param>
/// <param name="expected">What a self test signed wrongly on purpose.</param>
/// <param name="keys">Keys that verify producers; null only in dev.</param>
/// <param name="metrics">Counts.</param>
/// <param name="maximumBytes"><c>AUDIT_MAX_EVENT_BYTES</c>.</param>
internal sealed class AuditIngester(
    LedgerWriter writer, DeadLetterQueue deadLetters, ExpectedRefusals expected, HmacKeyRing? keys, AuditMetrics metrics, int maximumBytes)
{
    /// <summary>Frames that are examined while those before them are stored. A transaction's worth: what waits outlives a collection.</summary>
    private const int PartSize = LedgerWriter.LargestBatch;

    /// <summary>Takes all frames; a repeated one does no harm.</summary>
    public async Task IngestAsync(IReadOnlyList<AuditFrame> frames, CancellationToken cancellationToken)
    {
        var storing = Task.CompletedTask;
        try
        {
            foreach (var part in frames.Chunk(PartSize))
            {
                var accepted = await ExamineAsync(part, cancellationToken);
                await storing;
                if (part.Length == frames.Count) await StoreAsync(accepted, cancellationToken);
                else storing = Task.Run(() => StoreAsync(accepted, cancellationToken), cancellationToken); // the embedded writer works on its caller's thread
            }
        }
        finally
        {
            await storing;
        }
    }

    private async Task<List<AcceptedEvent>> ExamineAsync(AuditFrame[] frames, CancellationToken cancellationToken)
    {
        var accepted = new List<AcceptedEvent>(frames.Length);
        foreach (var frame in frames)
        {
            var verdict = frame.SignedHere is { } signer
                ? IngestCheck.ExamineOwn(frame.Data.Span, signer, maximumBytes)
                : IngestCheck.Examine(frame.Data.Span, frame.Signature, frame.KeyId, keys, maximumBytes);
            if (verdict.Entry is { } entry)
            {
                metrics.CountSignature(verdict.Slot);
                accepted.Add(new AcceptedEvent(frame, entry, LedgerHash.Content(entry), verdict.IngestKeyId));
            }
            else
            {
                if (verdict.Reason != IngestReasons.HmacVerifyFailed || !await expected.TakeAsync(frame.Data, cancellationToken)) CountRefusal(verdict.Reason!);
                await deadLetters.WriteAsync(frame, verdict.Reason!, null, cancellationToken);
            }
        }

        return accepted;
    }

    private async Task StoreAsync(List<AcceptedEvent> accepted, CancellationToken cancellationToken)
    {
        foreach (var zone in accepted.GroupBy(e => e.Entry.ZoneId, StringComparer.Ordinal))
        {
            foreach (var batch in zone.Chunk(LedgerWriter.LargestBatch))
            {
                await AppendAsync(zone.Key, batch, cancellationToken);
            }
        }
    }

    private async Task AppendAsync(string zoneId, AcceptedEvent[] batch, CancellationToken cancellationToken)
    {
        try
        {
            await CountAsync(batch, await writer.AppendAsync(zoneId, batch, cancellationToken), cancellationToken);
        }
        catch (Exception fault) when (IsPermanent(fault) && batch.Length > 1)
        {
            // One event poisons the transaction of all: find it, and let the others through, in their order.
            var half = batch.Length / 2;
            await AppendAsync(zoneId, batch[..half], cancellationToken);
            await AppendAsync(zoneId, batch[half..], cancellationToken);
        }
        catch (Exception fault) when (IsPermanent(fault))
        {
            await deadLetters.WriteAsync(
                batch[0].Frame, IngestReasons.PermanentPrefix + fault.Message, batch[0].Entry, cancellationToken);
        }
    }

    private async Task CountAsync(AcceptedEvent[] batch, AppendOutcome[] outcomes, CancellationToken cancellationToken)
    {
        metrics.Inserts.Add(outcomes.Count(outcome => outcome == AppendOutcome.Appended));
        for (var i = 0; i < outcomes.Length; i++)
        {
            if (outcomes[i] == AppendOutcome.Conflict)
            {
                metrics.TamperReplays.Add();
                await deadLetters.WriteAsync(batch[i].Frame, IngestReasons.TamperOnReplay, batch[i].Entry, cancellationToken);
            }
        }
    }

    private static bool IsPermanent(Exception fault) =>
        fault is not (StorageUnavailableException or OperationCanceledException or ObjectDisposedException or DeadLetterFailedException);

    private void CountRefusal(string reason)
    {
        if (reason == IngestReasons.HmacVerifyFailed)
        {
            metrics.HmacFailures.Add();
            metrics.CountSignature(KeySlot.None);
        }
        else
        {
            metrics.ParseErrors.Add();
        }
    }
}
