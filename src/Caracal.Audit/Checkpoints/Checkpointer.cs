using Caracal.Evidence.Checkpoints;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Checkpoints;

/// <summary>
/// Signs what each zone's chain has become: at most a minute, or a thousand events, after the last time. A tree that is not
/// the continuation of what was signed before is never signed.
/// </summary>
/// <param name="store">Checkpoints and content hashes.</param>
/// <param name="settings">The key, and how often.</param>
/// <param name="metrics">Counts.</param>
/// <param name="clock">Database time.</param>
/// <param name="logger">Refusals are alerts.</param>
/// <param name="appended">What this process appended itself; null reads it all from the ledger.</param>
public sealed class Checkpointer(
    CheckpointStore store, CheckpointSettings settings, AuditMetrics metrics, DatabaseClock clock, ILogger logger, AppendedContents? appended = null)
{
    /// <summary>How often heads are looked at: so a busy zone has at most one checkpoint a second.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private const int PageSize = 10_000;

    private readonly Dictionary<string, Signed> _signed = new(StringComparer.Ordinal);

    /// <summary>Looks at every zone once.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var (zoneId, head, checkpoint) in await store.HeadsAsync(cancellationToken))
        {
            appended?.Forget(zoneId, checkpoint);
            if (_signed.GetValueOrDefault(zoneId) is { } own && (head < own.Size || checkpoint < own.Size))
            {
                // Rows or checkpoints that this process signed are gone: a restored backup, or an attack.
                Refuse(zoneId, own.Size, $"the ledger ends at {head} and its checkpoints at {checkpoint}, but {own.Size} was signed");
                continue;
            }

            if (head > checkpoint && IsDue(zoneId, head - checkpoint)) await SignAsync(zoneId, head, cancellationToken);
        }
    }

    private bool IsDue(string zoneId, long events) =>
        events >= settings.Events || _signed.GetValueOrDefault(zoneId) is not { } own || (clock.Now - own.At).Duration() >= settings.Interval; // a clock that was put back must not make it wait

    private async Task SignAsync(string zoneId, long head, CancellationToken cancellationToken)
    {
        var signer = settings.Signer!;
        var origin = Checkpoint.OriginOf(signer.Key.Name, zoneId);
        var last = await store.FindAsync(zoneId, null, cancellationToken);
        if (Resume(last, origin, signer.Key) is not { } frontier)
        {
            Refuse(zoneId, last!.TreeSize, "the stored checkpoint is not one this key signed, or its frontier does not give its root");
            return;
        }

        if (_signed.GetValueOrDefault(zoneId) is { } signed && signed.Size == frontier.Size && signed.Root != last?.RootHash)
        {
            Refuse(zoneId, signed.Size, "the stored checkpoint is not the one that was signed at its size");
            return;
        }

        // Another replica has signed as far since the heads were read.
        if (frontier.Size >= head) return;

        var nodes = new List<TreeNode>();
        while (frontier.Size < head)
        {
            var own = appended?.Find(zoneId, frontier.Size + 1, head) ?? default;
            if (!own.IsEmpty)
            {
                var end = frontier.Size + (own.Length / MerkleTree.HashSize);
                if (!await store.HoldsAsync(zoneId, frontier.Size + 1, end, Convert.ToHexStringLower(own.Span[^MerkleTree.HashSize..]), cancellationToken))
                {
                    // Somebody was at it, or the store was put back to an earlier time. Next time the ledger alone is asked.
                    Refuse(zoneId, frontier.Size + 1, $"of the rows {frontier.Size + 1} to {end} one is missing, or the last is not the one that was appended");
                    appended!.Forget(zoneId, end);
                    return;
                }

                for (var at = 0; at < own.Length; at += MerkleTree.HashSize)
                {
                    frontier.Add(MerkleTree.LeafHash(own.Span.Slice(at, MerkleTree.HashSize)), nodes);
                }

                continue;
            }

            var contents = await store.ContentsAsync(zoneId, frontier.Size, (int)Math.Min(PageSize, head - frontier.Size), cancellationToken);
            if (contents.Count == 0)
            {
                Refuse(zoneId, frontier.Size + 1, $"row {frontier.Size + 1} is missing");
                return;
            }

            foreach (var content in contents) frontier.Add(MerkleTree.LeafHash(content), nodes);
        }

        var now = clock.Now;
        var root = Convert.ToBase64String(frontier.Root);
        var stored = new StoredCheckpoint
        {
            ZoneId = zoneId,
            TreeSize = frontier.Size,
            RootHash = root,
            Note = SignedNote.Sign(new Checkpoint(origin, frontier.Size, frontier.Root).Text, signer, now),
            Frontier = frontier.Export(),
            CreatedAt = now,
        };
        if (!await store.AppendAsync(stored, last?.TreeSize ?? 0, nodes, cancellationToken)) return;
        _signed[zoneId] = new Signed(frontier.Size, root, now);
        metrics.Checkpoints.Add();
    }

    // What is signed next must continue what was signed last, so the edge it starts from is checked against that signature.
    private static TreeFrontier? Resume(StoredCheckpoint? last, string origin, NoteKey key)
    {
        if (last is null) return new TreeFrontier();
        return Checkpoint.Open(last.Note, key, origin) is { } checkpoint && checkpoint.Size == last.TreeSize
            && TreeFrontier.Import(last.TreeSize, last.Frontier) is { } frontier && frontier.Root.AsSpan().SequenceEqual(checkpoint.Root)
            ? frontier
            : null;
    }

    private void Refuse(string zoneId, long seq, string reason)
    {
        metrics.CheckpointRefusals.Add();
        AuditLog.CheckpointRefused(logger, zoneId, seq, reason);
    }

    private sealed record Signed(long Size, string Root, DateTimeOffset At);
}
