using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.Sts.Tests;

/// <summary>Shared state that a test can take away.</summary>
internal sealed class BreakableState : ISharedState, ISharedLeases, IDisposable
{
    private readonly InProcessState _inner = new(TimeProvider.System);

    public bool Broken { get; set; }

    /// <summary>Keys with this beginning cannot be counted or removed; null for none.</summary>
    public string? Away { get; set; }

    /// <summary>Keys with this beginning are taken already; null for none.</summary>
    public string? Taken { get; set; }

    public ValueTask<bool> TryAddAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken) =>
        Taken is not null && key.StartsWith(Taken, StringComparison.Ordinal)
            ? ValueTask.FromResult(false)
            : Inner.TryAddAsync(key, value, lifetime, cancellationToken);

    public ValueTask<long> IncrementAsync(string key, TimeSpan window, CancellationToken cancellationToken) =>
        Of(key).IncrementAsync(key, window, cancellationToken);

    public ValueTask<string?> GetAsync(string key, CancellationToken cancellationToken) => Inner.GetAsync(key, cancellationToken);

    public ValueTask SetAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken) =>
        Inner.SetAsync(key, value, lifetime, cancellationToken);

    public ValueTask<string?> TakeAsync(string key, CancellationToken cancellationToken) => Inner.TakeAsync(key, cancellationToken);

    public ValueTask DeleteAsync(string key, CancellationToken cancellationToken) => Of(key).DeleteAsync(key, cancellationToken);

    public ValueTask<bool> TryLeaseAsync(string key, string owner, TimeSpan lifetime, CancellationToken cancellationToken) =>
        Inner.TryLeaseAsync(key, owner, lifetime, cancellationToken);

    public ValueTask<bool> RenewLeaseAsync(string key, string owner, TimeSpan lifetime, CancellationToken cancellationToken) =>
        Inner.RenewLeaseAsync(key, owner, lifetime, cancellationToken);

    public ValueTask ReleaseLeaseAsync(string key, string owner, CancellationToken cancellationToken) =>
        Inner.ReleaseLeaseAsync(key, owner, cancellationToken);

    public ValueTask PingAsync(CancellationToken cancellationToken) => Inner.PingAsync(cancellationToken);

    public void Dispose() => _inner.Dispose();

    private InProcessState Of(string key) => Away is not null && key.StartsWith(Away, StringComparison.Ordinal)
        ? throw new StreamsUnavailableException("taken away by the test")
        : Inner;

    private InProcessState Inner => Broken ? throw new StreamsUnavailableException("taken away by the test") : _inner;
}
