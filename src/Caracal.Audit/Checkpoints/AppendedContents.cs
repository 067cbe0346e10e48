using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;

namespace Caracal.Audit.Checkpoints;

/// <summary>
/// The content hashes of what this process appended since the last checkpoint, so that the next need not read every row again.
/// Safe for use by many threads.
/// </summary>
public sealed class AppendedContents
{
    /// <summary>Hashes held at most, of all zones: seconds of a busy ledger.</summary>
    private const int Most = 40_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Dictionary<long, byte[]>> _parts = new(StringComparer.Ordinal);
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

            if (!_parts.TryGetValue(zoneId, out var parts)) _parts[zoneId] = parts = [];
            Remove(parts, rows[0].ChainSeq); // of a ledger that lost what followed
            parts.Add(rows[0].ChainSeq, hashes);
            _held += rows.Count;
        }
    }

    /// <summary>
    /// Hashes that begin with row <paramref name="first"/> and end no later than row <paramref name="last"/>, each of
    /// <see cref="MerkleTree.HashSize"/> bytes; empty when there are none.
    /// </summary>
    public ReadOnlyMemory<byte> Find(string zoneId, long first, long last)
    {
        lock (_gate)
        {
            return _parts.GetValueOrDefault(zoneId)?.GetValueOrDefault(first) is { } hashes && first + Count(hashes) - 1 <= last ? hashes : default;
        }
    }

    /// <summary>Gives up what begins at or before a row.</summary>
    public void Forget(string zoneId, long upTo)
    {
        lock (_gate)
        {
            if (!_parts.TryGetValue(zoneId, out var parts)) return;
            foreach (var first in parts.Keys.Where(first => first <= upTo).ToList()) Remove(parts, first);
            if (parts.Count == 0) _parts.Remove(zoneId);
        }
    }

    private void Remove(Dictionary<long, byte[]> parts, long first)
    {
        if (parts.Remove(first, out var hashes)) _held -= Count(hashes);
    }

    private static int Count(byte[] hashes) => hashes.Length / MerkleTree.HashSize;
}
