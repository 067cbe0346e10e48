using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;
using Caracal.Storage.Ledger;

namespace Caracal.Audit.Tampering;

/// <summary>What a zone's rows are measured against: the checkpoints stored beside them, and those somebody kept elsewhere.</summary>
/// <param name="store">Stored checkpoints.</param>
/// <param name="key">Who must have signed them.</param>
/// <param name="kept">Checkpoints the attacker does not control, of any zone.</param>
/// <param name="agreed">Takes each root that a zone's rows give.</param>
internal sealed class SignedRoots(CheckpointStore store, NoteKey key, IReadOnlyList<Checkpoint> kept, Action<string, SignedRoot>? agreed = null)
{
    private const int PageSize = 500;

    /// <summary>Follows the roots of one zone; call <see cref="Zone.LoadAsync"/> before rows are added.</summary>
    public Zone Open(string zoneId, Action<ChainFinding> report) => new(store, key, zoneId, kept, report, agreed);

    /// <summary>The roots of one zone, loaded as its rows go by.</summary>
    internal sealed class Zone
    {
        private readonly CheckpointStore _store;
        private readonly NoteKey _key;
        private readonly string _zoneId;
        private readonly string _origin;
        private readonly Queue<Checkpoint> _kept;
        private readonly Action<ChainFinding> _report;
        private long _loaded;
        private bool _complete;

        public Zone(CheckpointStore store, NoteKey key, string zoneId, IReadOnlyList<Checkpoint> kept, Action<ChainFinding> report, Action<string, SignedRoot>? agreed)
        {
            (_store, _key, _zoneId, _report) = (store, key, zoneId, report);
            _origin = Checkpoint.OriginOf(key.Name, zoneId);
            _kept = new Queue<Checkpoint>(kept.Where(checkpoint => checkpoint.Origin == _origin).OrderBy(checkpoint => checkpoint.Size));
            Tree = new TreeVerifier(zoneId, report, agreed is null ? null : root => agreed(zoneId, root));
        }

        public TreeVerifier Tree { get; }

        /// <summary>Begins inside the chain.</summary>
        public void StartAt(long size, TreeFrontier? edge)
        {
            Tree.StartAt(size, edge);
            _loaded = size;
        }

        /// <summary>Expects every root up to a sequence number.</summary>
        public async Task LoadAsync(long upToSeq, CancellationToken cancellationToken)
        {
            while (!_complete && _loaded < upToSeq)
            {
                var page = await _store.AfterAsync(_zoneId, _loaded, PageSize, cancellationToken);
                foreach (var stored in page) Expect(stored);
                _complete = page.Count < PageSize;
            }

            if (_complete) ExpectKept(long.MaxValue);
        }

        private void Expect(StoredCheckpoint stored)
        {
            ExpectKept(stored.TreeSize);
            _loaded = stored.TreeSize;
            if (Checkpoint.Open(stored.Note, _key, _origin) is not { } checkpoint || checkpoint.Size != stored.TreeSize)
            {
                _report(new ChainFinding(
                    ChainFault.CheckpointMismatch, _zoneId, stored.TreeSize, null, stored.TreeSize, null, "the stored checkpoint is not signed by the checkpoint key"));
                return;
            }

            var edge = TreeFrontier.Import(stored.TreeSize, stored.Frontier);
            Tree.Expect(new SignedRoot(checkpoint.Size, checkpoint.Root, edge?.Root.AsSpan().SequenceEqual(checkpoint.Root) == true ? edge : null));
        }

        private void ExpectKept(long below)
        {
            while (_kept.TryPeek(out var next) && next.Size <= below)
            {
                _kept.Dequeue();
                Tree.Expect(new SignedRoot(next.Size, next.Root));
            }
        }
    }
}
