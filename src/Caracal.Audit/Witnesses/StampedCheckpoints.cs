using System.Security.Cryptography.X509Certificates;
using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;
using Caracal.Storage;
using Caracal.Storage.Ledger;

namespace Caracal.Audit.Witnesses;

/// <summary>Reads the time-stamps that are kept beside the checkpoints again, with whoever a verifier trusts.</summary>
/// <param name="database">The ledger.</param>
/// <param name="key">Who signs checkpoints.</param>
/// <param name="authorities">Time-stamp authorities, or who vouches for them.</param>
public sealed class StampedCheckpoints(Database database, NoteKey key, X509Certificate2Collection authorities)
{
    private readonly CheckpointStore _store = new(database);

    /// <summary>What does not hold, and of which roots an authority says when they existed; of rows only once a walk has given those roots.</summary>
    public async Task<StampReport> ReadAsync(CancellationToken cancellationToken)
    {
        var report = new StampReport();
        foreach (var zone in await new LedgerReader(database).ZonesAsync(cancellationToken))
        {
            foreach (var stamp in await _store.TimeStampsAsync(zone, 0, long.MaxValue, cancellationToken))
            {
                if (await _store.FindAsync(zone, stamp.TreeSize, cancellationToken) is not { } stored
                    || Checkpoint.Open(stored.Note, key, Checkpoint.OriginOf(key.Name, zone)) is not { } checkpoint || checkpoint.Size != stamp.TreeSize)
                {
                    report.Fail(zone, stamp.TreeSize, "its checkpoint is gone, or not signed by the checkpoint key");
                }
                else if (TimeStampTrust.Read(stamp.Body, SignedNote.Parse(stored.Note)!.Text, authorities, out var at) is { } reason)
                {
                    report.Fail(zone, stamp.TreeSize, reason);
                }
                else
                {
                    report.Expect(zone, checkpoint, at);
                }
            }
        }

        return report;
    }
}

/// <summary>A row that existed, with all before it, at a time that a trusted authority vouches for.</summary>
/// <param name="Seq">Its sequence number; 0 for none.</param>
/// <param name="At">Not later than then.</param>
public sealed record StampedRow(long Seq, DateTimeOffset At)
{
    public static StampedRow None { get; } = new(0, default);
}
