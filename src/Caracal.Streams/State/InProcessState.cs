using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Caracal.Streams.State;

/// <summary>
/// Shared state of one process. Marks are kept as 96 bits of a hash, not as text: at thousands of calls a second they
/// are what would fill the memory. A key always has the same hash, so no mark is missed; two keys with one hash would make a
/// new one look old, which nobody can bring about: the seed is the process's own secret, and no answer shows a hash.
/// </summary>
public sealed class InProcessState : ISharedState, ISharedLeases, ISharedBuckets, IDisposable
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly long _seed = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));
    private readonly ExpiringMarks _marks = new();
    private readonly ConcurrentDictionary<string, Counter> _counters = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Text> _texts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Bucket> _buckets = new(StringComparer.Ordinal);
    private readonly ITimer _sweep;
    private readonly long _began;
    private readonly long _beganAt;

    public InProcessState(TimeProvider time)
    {
        _time = time;
        (_began, _beganAt) = (Now, time.GetTimestamp());
        _sweep = time.CreateTimer(_ => Sweep(), null, SweepInterval, SweepInterval);
    }

    private long Now => _time.GetUtcNow().UtcTicks;

    // A clock that leaps ahead and comes back must not let a mark pass early: what it stands for would be accepted again.
    private long MarkNow => Math.Min(Now, _began + _time.GetElapsedTime(_beganAt).Ticks);

    // Marks count tenths of a second (2²⁰ ticks) from a year before the process began, which lasts for thirteen years. A mark
    // ends up to one of them late, never early.
    private uint MarkClock(long ticks) => (uint)Math.Clamp((ticks - _began + TimeSpan.TicksPerDay * 365) >> 20, 1, uint.MaxValue - 1);

    public ValueTask<bool> TryAddAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var now = MarkNow;
        return ValueTask.FromResult(_marks.TryAdd(MarkOf(key), MarkClock(now + lifetime.Ticks) + (lifetime > TimeSpan.Zero ? 1u : 0), MarkClock(now)));
    }

    public ValueTask<long> IncrementAsync(string key, TimeSpan window, CancellationToken cancellationToken)
    {
        var now = Now;
        var counter = _counters.AddOrUpdate(
            key,
            static (_, arg) => new Counter(1, arg.now + arg.window.Ticks),
            static (_, current, arg) => current.Until > arg.now
                ? current with { Count = current.Count + 1 }
                : new Counter(1, arg.now + arg.window.Ticks),
            (now, window));
        return ValueTask.FromResult(counter.Count);
    }

    public ValueTask<string?> GetAsync(string key, CancellationToken cancellationToken) =>
        ValueTask.FromResult(
            _texts.TryGetValue(key, out var text) && text.Until > Now ? text.Value
            : _counters.TryGetValue(key, out var counter) && counter.Until > Now ? counter.Count.ToString(CultureInfo.InvariantCulture)
            : null);

    public ValueTask SetAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        _texts[key] = new Text(value, Now + lifetime.Ticks);
        return ValueTask.CompletedTask;
    }

    public ValueTask<string?> TakeAsync(string key, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_texts.TryRemove(key, out var text) && text.Until > Now ? text.Value : null);

    public ValueTask DeleteAsync(string key, CancellationToken cancellationToken)
    {
        _texts.TryRemove(key, out _);
        _counters.TryRemove(key, out _);
        return ValueTask.CompletedTask;
    }

    public ValueTask<bool> TryLeaseAsync(string key, string owner, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var lease = new Text(owner, Now + lifetime.Ticks);
        while (!_texts.TryAdd(key, lease))
        {
            if (!_texts.TryGetValue(key, out var held))
            {
                continue;
            }

            if (held.Until > Now)
            {
                return ValueTask.FromResult(false);
            }

            if (_texts.TryUpdate(key, lease, held))
            {
                break;
            }
        }

        return ValueTask.FromResult(true);
    }

    public ValueTask<bool> RenewLeaseAsync(string key, string owner, TimeSpan lifetime, CancellationToken cancellationToken) =>
        ValueTask.FromResult(
            _texts.TryGetValue(key, out var held) && held.Value == owner && held.Until > Now
            && _texts.TryUpdate(key, held with { Until = Now + lifetime.Ticks }, held));

    public ValueTask ReleaseLeaseAsync(string key, string owner, CancellationToken cancellationToken)
    {
        if (_texts.TryGetValue(key, out var held) && held.Value == owner)
        {
            _texts.TryRemove(new KeyValuePair<string, Text>(key, held));
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<bool> TakeTokenAsync(string key, int capacity, TimeSpan window, CancellationToken cancellationToken)
    {
        var now = Now;
        while (true)
        {
            var found = _buckets.TryGetValue(key, out var bucket);
            var tokens = found
                ? Math.Min(capacity, bucket!.Tokens + ((double)Math.Max(0, now - bucket.At) * capacity / window.Ticks))
                : capacity;
            var taken = tokens >= 1;
            var next = new Bucket(taken ? tokens - 1 : tokens, now, now + (10 * window.Ticks));
            if (found ? _buckets.TryUpdate(key, next, bucket!) : _buckets.TryAdd(key, next))
            {
                return ValueTask.FromResult(taken);
            }
        }
    }

    public ValueTask PingAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public void Dispose() => _sweep.Dispose();

    private UInt128 MarkOf(string key) => XxHash128.HashToUInt128(MemoryMarshal.AsBytes(key.AsSpan()), _seed);

    private void Sweep()
    {
        var now = Now;
        _marks.Sweep(MarkClock(MarkNow));
        foreach (var counter in _counters)
        {
            if (counter.Value.Until <= now)
            {
                _counters.TryRemove(counter);
            }
        }

        foreach (var bucket in _buckets)
        {
            if (bucket.Value.Until <= now)
            {
                _buckets.TryRemove(bucket);
            }
        }

        foreach (var text in _texts)
        {
            if (text.Value.Until <= now)
            {
                _texts.TryRemove(text);
            }
        }
    }

    private sealed record Bucket(double Tokens, long At, long Until);

    private sealed record Counter(long Count, long Until);

    private sealed record Text(string Value, long Until);
}
