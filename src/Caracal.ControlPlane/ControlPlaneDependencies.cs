using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Protocol.Mandates;
using Caracal.Protocol.PolicyRuntime;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane;

/// <summary>What the process gives the API.</summary>
public sealed record ControlPlaneDependencies
{
    public required Database Database { get; init; }

    public required DatabaseClock Clock { get; init; }

    public required ISharedState State { get; init; }

    /// <summary>Buckets that replicas share; only Control asks for them.</summary>
    public ISharedBuckets? Buckets { get; init; }

    /// <summary>Where changed keys are announced; only Control asks for them.</summary>
    public IStreamTransport? Streams { get; init; }

    /// <summary>Keys of an STS in the same process; null fetches them.</summary>
    public IZoneKeys? ZoneKeys { get; init; }

    /// <summary>An STS in the same process; null asks the one at <c>STS_URL</c>, signed.</summary>
    public IPolicyRuntime? Policies { get; init; }

    /// <summary>How providers are called; null calls them under the egress guard of api.md 7.</summary>
    public HttpMessageInvoker? Http { get; init; }

    public required ILogger Log { get; init; }

    /// <summary>What writes the log's lines, for its figures; null counts none.</summary>
    public JsonLineLogging? Lines { get; init; }

    /// <summary>Series of what the role stands on, shown with its own.</summary>
    public MetricsRegistry? StoreMetrics { get; init; }
}
