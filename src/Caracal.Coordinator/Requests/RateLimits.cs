using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.Coordinator.Requests;

/// <summary>Counts per minute, shared by replicas; in process while the shared state is away, because the kill switch must work then too (README ruling 21).</summary>
internal sealed class RateLimits(ISharedState state, TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(90);
    private readonly LocalCounts _local = new();

    /// <summary>Null when within the limit; else the seconds until the minute is over. A limit of 0 is off.</summary>
    public async ValueTask<int?> HitAsync(string name, string who, int limit, bool onlyShared, CancellationToken cancellationToken)
    {
        if (limit == 0)
        {
            return null;
        }

        var seconds = time.GetUtcNow().ToUnixTimeSeconds();
        var minute = seconds / 60;
        var count = await CountAsync($"coordinator:{name}:{who}:{minute}", minute, onlyShared, cancellationToken);
        return count <= limit ? null : (int)(60 - (seconds % 60));
    }

    private async ValueTask<long> CountAsync(string key, long minute, bool onlyShared, CancellationToken cancellationToken)
    {
        try
        {
            return await state.IncrementAsync(key, Window, cancellationToken);
        }
        catch (StreamsUnavailableException)
        {
            return onlyShared ? 0 : _local.Add(key, minute);
        }
    }

    private sealed class LocalCounts
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);
        private long _minute;

        public long Add(string key, long minute)
        {
            lock (_lock)
            {
                if (minute != _minute)
                {
                    _counts.Clear();
                    _minute = minute;
                }

                return _counts[key] = _counts.GetValueOrDefault(key) + 1;
            }
        }
    }
}
