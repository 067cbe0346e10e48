using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;

namespace Caracal.Audit.Checkpoints;

/// <summary>
/// The content hashes of what this process appended and has not signed yet. A checkpoint is made of them, so that it says what
/// was appended, whatever became of the row since; what is not here is read from the ledger. Safe for use by many threads.
/// </summary>
public sealed class AppendedContents
{
    /// <summary>Hashes held at most, of all zones: seconds of a busy ledger.</summary>
    private const int Most = 40_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string ZoneId, long First), byte[]> _parts = [];
    private int _held;

    /// <summary>Keeps the hashes of rows that are committed, neighbours in their chain.</summary>
    public void Add(string zoneId, IReadOnlyList<LedgerRow> rows)
    {
        if (rows.Count == 0) return;
        var hashes = new byte[rows.Count * MerkleTree.HashSize];
        for (var i = 0; i < rows.Count; i++)
        {
            Convert.FromHexString(rows[i].ContentSha256, hashes.AsSpan(i * MerkleTree.HashSize), out _, out _);
        }

        lock (_gate)
        {
            if (_held + rows.Count > Most)
            {
                _parts.Clear();
                _held = 0;
            }

            if (_parts.TryAdd((zoneId, rows[0].ChainSeq), hashes)) _held += rows.Count;
        }
    }

    /// <summary>
    /// Gives away hashes that begin with row <paramref name="first"/> and end no later than row <paramref name="last"/>, each of
    /// <see cref="MerkleTree.HashSize"/> bytes; empty when there are none.
    /// </summary>
    public ReadOnlyMemory<byte> Take(string zoneId, long first, long last)
    {
        lock (_gate)
        {
            if (!_parts.TryGetValue((zoneId, first), out var hashes) || first + (hashes.Length / MerkleTree.HashSize) - 1 > last) return default;
            _parts.Remove((zoneId, first));
            _held -= hashes.Length / MerkleTree.HashSize;
            return hashes;
        }
    }
}
