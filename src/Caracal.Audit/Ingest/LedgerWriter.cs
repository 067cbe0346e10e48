using Caracal.Audit.Checkpoints;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Ledger;

namespace Caracal.Audit.Ingest;

/// <summary>Appends accepted events to the chain of their zone: one transaction, one head read, one head write (audit.md 3.5, 4).</summary>
/// <param name="database">The store.</param>
/// <param name="ledger">Its ledger tables.</param>
/// <param name="keys">The current key signs the chain; null only in dev.</param>
/// <param name="clock">Database time, for <c>ingested_at</c>.</param>
/// <param name="inputs">Takes what replays need; null when nothing is kept for them.</param>
/// <param name="appended">Takes what was appended; null when no checkpoint is signed here.</param>
internal sealed class LedgerWriter(
    Database database, LedgerStore ledger, HmacKeyRing? keys, DatabaseClock clock, PolicyInputStore? inputs = null, AppendedContents? appended = null)
{
    /// <summary>Events of one transaction: each writes the ends of nine indexes, and holds the embedded store's single writer for about 20 µs an event.</summary>
    public const int LargestBatch = 500;

    /// <summary>Appends events of one zone, at most <see cref="LargestBatch"/>; the outcomes are in their order.</summary>
    public async Task<AppendOutcome[]> AppendAsync(string zoneId, IReadOnlyList<AcceptedEvent> events, CancellationToken cancellationToken)
    {
        var (outcomes, rows) = await WriteAsync(zoneId, events, cancellationToken);
        appended?.Add(zoneId, rows);
        return outcomes;
    }

    private Task<(AppendOutcome[] Outcomes, List<LedgerRow> Rows)> WriteAsync(
        string zoneId, IReadOnlyList<AcceptedEvent> events, CancellationToken cancellationToken) =>
        database.WriteAsync(
            WriteKind.Bookkeeping,
            async work =>
            {
                var outcomes = new AppendOutcome[events.Count];
                var head = await ledger.HoldChainAsync(work, zoneId);
                var known = await ledger.ContentsAsync(work, [.. events.Select(accepted => accepted.Entry.Id)]);
                var rows = new List<LedgerRow>(events.Count);
                var now = clock.Now;
                var key = keys?.Current;
                for (var i = 0; i < outcomes.Length; i++)
                {
                    var accepted = events[i];
                    if (known.TryAdd(accepted.Entry.Id, accepted.Content))
                    {
                        rows.Add(Link(accepted, head, key, now));
                        head = rows[^1].Head;
                        outcomes[i] = AppendOutcome.Appended;
                    }
                    else if (known[accepted.Entry.Id] == accepted.Content)
                    {
                        outcomes[i] = AppendOutcome.Duplicate;
                    }
                    else
                    {
                        outcomes[i] = AppendOutcome.Conflict;
                        await AlertAsync(work, accepted, known[accepted.Entry.Id], now);
                    }
                }

                await ledger.AppendAsync(work, zoneId, rows);
                if (inputs is not null) await inputs.KeepAsync(work, rows);
                return (outcomes, rows);
            },
            cancellationToken);

    /// <summary>Appends an event of this service itself, within a work that does more than that.</summary>
    public async Task AppendOwnAsync(Work work, AuditEvent happened, HmacKey key)
    {
        var data = happened.ToUtf8();
        var entry = IngestCheck.ExamineOwn(data, key).Entry!;
        var frame = new AuditFrame(AuditFrame.Journal, data, key.SignHex(data), key.KeyId, null) { SignedHere = key };
        var head = await ledger.HoldChainAsync(work, entry.ZoneId);
        await ledger.AppendAsync(work, entry.ZoneId, [Link(new AcceptedEvent(frame, entry, LedgerHash.Content(entry), key.KeyId), head, key, clock.Now)]);
    }

    // The content hash was computed before the transaction began; here only the link is made.
    private static LedgerRow Link(AcceptedEvent accepted, ChainHead head, HmacKey? key, DateTimeOffset now) => new()
    {
        Entry = accepted.Entry,
        ChainSeq = head.Seq + 1,
        ContentSha256 = accepted.Content,
        PrevContentSha256 = head.ContentSha256.Length == 0 ? null : head.ContentSha256,
        ChainHmac = LedgerHash.ChainHmac(key, accepted.Content, head.ContentSha256),
        HmacKeyId = key?.KeyId,
        IngestKeyId = accepted.IngestKeyId,
        IngestSignature = accepted.Frame.Signature,
        IngestedAt = now,
    };

    private Task AlertAsync(Work work, AcceptedEvent accepted, string stored, DateTimeOffset now) => ledger.AlertAsync(
        work, Ids.New(), accepted.Entry.Id, accepted.Entry.ZoneId, $"stored={stored} incoming={accepted.Content}", now);
}
