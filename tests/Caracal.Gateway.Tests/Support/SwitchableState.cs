using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.Gateway.Tests.Support;

/// <summary>Shared state in memory that can be taken away and that remembers the keys it was asked to mark.</summary>
internal sealed class SwitchableState(TimeProvider time) : ISharedState, IDisposable
{
    private readonly InProcessState _state = new(time);

    public bool Down { get; set; }

    public Dictionary<string, TimeSpan> Marked { get; } = new(StringComparer.Ordinal);

    public ValueTask<bool> TryAddAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var added = Reach().TryAddAsync(key, value, lifetime, cancellationToken);
        lock (Marked)
        {
            Marked.TryAdd(key, lifetime);
        }

        return added;
    }

    public ValueTask<long> IncrementAsync(string key, TimeSpan window, CancellationToken cancellationToken) =>
        Reach().IncrementAsync(key, window, cancellationToken);

    public ValueTask<string?> GetAsync(string key, CancellationToken cancellationToken) => Reach().GetAsync(key, cancellationToken);

    public ValueTask SetAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken) =>
        Reach().SetAsync(key, value, lifetime, cancellationToken);

    public ValueTask<string?> TakeAsync(string key, CancellationToken cancellationToken) => Reach().TakeAsync(key, cancellationToken);

    public ValueTask DeleteAsync(string key, CancellationToken cancellationToken) => Reach().DeleteAsync(key, cancellationToken);

    public ValueTask PingAsync(CancellationToken cancellationToken) => Reach().PingAsync(cancellationToken);

    public void Dispose() => _state.Dispose();

    private InProcessState Reach() => Down ? throw new StreamsUnavailableException("down") : _state;
}
