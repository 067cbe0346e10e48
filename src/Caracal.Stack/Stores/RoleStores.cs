using Caracal.Evidence.Trail;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.Stack.Stores;

/// <summary>What one role stands on.</summary>
internal sealed record RoleStores
{
    public required Database Database { get; init; }
    public required DatabaseClock Clock { get; init; }
    public required IStreamTransport Streams { get; init; }
    public required ISharedState State { get; init; }
    public required ISharedLeases Leases { get; init; }
    public required ISharedBuckets Buckets { get; init; }

    /// <summary>Series about what the role stands on: its stores and its listener.</summary>
    public required MetricsRegistry Metrics { get; init; }
}

/// <summary>The stores of a process: embedded ones that all its roles share, or servers that each role enters as itself.</summary>
internal abstract class StackStores : IAsyncDisposable
{
    /// <summary>The stores of a role; the same ones whenever they are asked for.</summary>
    public abstract RoleStores For(string role);

    /// <summary>Where the role's journal ships to.</summary>
    /// <param name="role">The producer.</param>
    /// <param name="keys">Signs its events on their way; null only in dev.</param>
    public abstract IAuditSink SinkFor(string role, HmacKeyRing? keys);

    /// <summary>Returns when the stores are there with the schema this build needs and their clocks are measured.</summary>
    /// <param name="waiting">Called with the readiness reason while they are not.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public abstract Task PrepareAsync(Func<string, Task> waiting, CancellationToken cancellationToken);

    /// <summary>Runs until cancelled: what has to be measured and tidied while the roles run.</summary>
    public abstract Task TendAsync(CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();
}
