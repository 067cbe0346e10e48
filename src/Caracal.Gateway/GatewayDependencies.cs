using Caracal.Evidence.Trail;
using Caracal.Hosting.Metrics;
using Caracal.Protocol.Exchange;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway;

/// <summary>What the Gateway is given by whoever runs it.</summary>
public sealed record GatewayDependencies
{
    /// <summary>Reads three tables (storage.md 2), and counts in the budgets of delegations that carry one.</summary>
    public required Database Database { get; init; }
    public required DatabaseClock Clock { get; init; }
    public required IStreamTransport Streams { get; init; }
    public required ISharedState State { get; init; }

    /// <summary>The Gateway's journal; whoever made it disposes it, after the service has stopped.</summary>
    public required AuditTrail Trail { get; init; }
    public required ILogger Log { get; init; }

    /// <summary>Series of what the role stands on, shown with its own.</summary>
    public MetricsRegistry? StoreMetrics { get; init; }

    /// <summary>The STS of the same process; null calls it over HTTP, signed.</summary>
    public IGatewayExchange? Exchange { get; init; }

    /// <summary>The same process's zone keys; null fetches them over HTTP.</summary>
    public IZoneKeys? ZoneKeys { get; init; }
}
