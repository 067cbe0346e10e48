using System.Collections.Concurrent;

namespace Caracal.Verifier.Revocations;

/// <summary>Revocations of one process. A restart forgets them, so its consumer reads the stream from its beginning.</summary>
public sealed class InMemoryRevocationStore : IRevocationStore
{
    /// <summary>More live revocations than this are refused: none is dropped to make room for another.</summary>
    public const int LargestNumberOfAnchors = 100_000;

    /// <summary>How long a mark is kept unless said otherwise.</summary>
    public static readonly TimeSpan DefaultLifetime = TimeSpan.FromHours(24);

    private readonly ConcurrentDictionary<string, long> _anchors = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (long Epoch, long EndsAt)> _epochs = new(StringComparer.Ordinal);
    private readonly Lock _turn = new();
    private readonly TimeProvider _time;

    /// <param name="time">Its monotonic clock decides; null is the system's.</param>
    public InMemoryRevocationStore(TimeProvider? time = null) => _time = time ?? TimeProvider.System;

    /// <summary>Marks that are held, expired ones included.</summary>
    public int Count => _anchors.Count;

    public ValueTask<bool> IsRevokedAsync(string anchor, CancellationToken cancellationToken = default) =>
        new(anchor.Length > 0 && _anchors.TryGetValue(anchor, out var endsAt) && IsAhead(endsAt));

    /// <summary>Throws <see cref="InvalidOperationException"/> when the store is full of live revocations.</summary>
    public ValueTask MarkRevokedAsync(string anchor, TimeSpan? lifetime = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(anchor);
        lock (_turn)
        {
            if (!_anchors.ContainsKey(anchor) && _anchors.Count >= LargestNumberOfAnchors)
            {
                Reap();
                if (_anchors.Count >= LargestNumberOfAnchors)
                {
                    throw new InvalidOperationException("the revocation store is full of live revocations");
                }
            }

            // A shorter mark never takes time from a longer one.
            var endsAt = EndOf(lifetime);
            _anchors[anchor] = _anchors.TryGetValue(anchor, out var known) ? Math.Max(known, endsAt) : endsAt;
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<long> CurrentDelegationEpochAsync(string zoneId, CancellationToken cancellationToken = default) =>
        new(_epochs.TryGetValue(zoneId, out var known) && IsAhead(known.EndsAt) ? known.Epoch : 0);

    public ValueTask MarkDelegationEpochAsync(string zoneId, long epoch, TimeSpan? lifetime = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(zoneId);
        lock (_turn)
        {
            if (!_epochs.TryGetValue(zoneId, out var known) || !IsAhead(known.EndsAt) || epoch > known.Epoch)
            {
                _epochs[zoneId] = (epoch, EndOf(lifetime));
            }
        }

        return ValueTask.CompletedTask;
    }

    private bool IsAhead(long moment) => _time.GetTimestamp() < moment;

    private long EndOf(TimeSpan? lifetime) =>
        _time.GetTimestamp() + (long)((lifetime ?? DefaultLifetime).TotalSeconds * _time.TimestampFrequency);

    private void Reap()
    {
        foreach (var (anchor, endsAt) in _anchors)
        {
            if (!IsAhead(endsAt))
            {
                _anchors.TryRemove(anchor, out _);
            }
        }
    }
}
