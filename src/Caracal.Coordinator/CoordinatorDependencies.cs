using Caracal.Hosting.Keys;
using Caracal.Hosting.Metrics;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Coordinator;

/// <summary>What the Coordinator stands on.</summary>
public sealed record CoordinatorDependencies
{
    public required Database Database { get; init; }
    public required DatabaseClock Clock { get; init; }
    public required IStreamTransport Streams { get; init; }
    public required ISharedState State { get; init; }

    /// <summary>The zones' verification keys in the same process; null fetches them from the STS over HTTP.</summary>
    public IZoneKeys? ZoneKeys { get; init; }

    /// <summary>Series of what the role stands on, shown with its own.</summary>
    public MetricsRegistry? StoreMetrics { get; init; }

    /// <summary>Tells which keys this instance holds.</summary>
    public KeyReport? Keys { get; init; }
    public required ILoggerProvider Logging { get; init; }
}
