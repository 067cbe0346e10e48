using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.Sts.Tests;

/// <summary>Shared state that a test can take away.</summary>
internal sealed class BreakableState : ISharedState, IDisposable
{
    private readonly InProcessState _inner = new(TimeProvider.System);

    public bool Broken { get; set; }

    public ValueTask<bool> TryAddAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken) =>
        Inner.TryAddAsync(key, value, lifetime, cancellationToken);

    public ValueTask<long> IncrementAsync(string key, TimeSpan window, CancellationToken cancellationToken) =>
        Inner.IncrementAsync(key, window, cancellationToken);

    public ValueTask<string?> GetAsync(string key, CancellationToken cancellationToken) => Inner.GetAsync(key, cancellationToken);

    public ValueTask SetAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken) =>
        Inner.SetAsync(key, value, lifetime, cancellationToken);

    public ValueTask<string?> TakeAsync(string key, CancellationToken cancellationToken) => Inner.TakeAsync(key, cancellationToken);

    public ValueTask DeleteAsync(string key, CancellationToken cancellationToken) => Inner.DeleteAsync(key, cancellationToken);

    public ValueTask PingAsync(CancellationToken cancellationToken) => Inner.PingAsync(cancellationToken);

    public void Dispose() => _inner.Dispose();

    private InProcessState Inner => Broken ? throw new StreamsUnavailableException("taken away by the test") : _inner;
}
