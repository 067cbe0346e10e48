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

    /// <summary>What does not hold, and per zone the last row of which an authority says when it existed.</summary>
    public async Task<StampReport> ReadAsync(CancellationToken cancellationToken)
    {
        var findings = new List<ChainFinding>();
        var stamps = new Dictionary<string, StampedRow>(StringComparer.Ordinal);
        foreach (var zone in await new LedgerReader(database).ZonesAsync(cancellationToken))
        {
            foreach (var stamp in await _store.TimeStampsAsync(zone, 0, long.MaxValue, cancellationToken))
            {
                var reason = await _store.FindAsync(zone, stamp.TreeSize, cancellationToken) is { } stored && Checkpoint.Open(stored.Note, key, Checkpoint.OriginOf(key.Name, zone)) is not null
                    ? TimeStampTrust.Read(stamp.Body, SignedNote.Parse(stored.Note)!.Text, authorities, out var at)
                    : Missing(out at);
                if (reason is null) stamps[zone] = new StampedRow(stamp.TreeSize, at);
                else findings.Add(new ChainFinding(ChainFault.CheckpointMismatch, zone, stamp.TreeSize, null, stamp.TreeSize, null, $"the time-stamp of the checkpoint of {stamp.TreeSize} rows proves nothing: {reason}"));
            }
        }

        return new StampReport(findings, stamps);
    }

    private static string Missing(out DateTimeOffset at)
    {
        at = default;
        return "its checkpoint is gone, or not signed by the checkpoint key";
    }
}

/// <summary>What time-stamps say of a ledger.</summary>
/// <param name="Findings">Time-stamps that prove nothing.</param>
/// <param name="Last">Per zone: the last row that one covers.</param>
public sealed record StampReport(IReadOnlyList<ChainFinding> Findings, IReadOnlyDictionary<string, StampedRow> Last);

/// <summary>A row that existed, with all before it, at a time that a trusted authority vouches for.</summary>
/// <param name="Seq">Its sequence number; 0 for none.</param>
/// <param name="At">Not later than then.</param>
public sealed record StampedRow(long Seq, DateTimeOffset At)
{
    public static StampedRow None { get; } = new(0, default);
}
