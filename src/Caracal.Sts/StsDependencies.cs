using Caracal.Evidence.Trail;
using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Caracal.Storage.Outbox;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Sts;

/// <summary>What the STS runs on; the stack makes it, and outlives the service.</summary>
public sealed record StsDependencies
{
    public required Database Database { get; init; }
    public required DatabaseClock Clock { get; init; }
    public required EventOutbox Outbox { get; init; }
    public required IStreamTransport Streams { get; init; }
    public required ISharedState State { get; init; }
    public required ISharedLeases Leases { get; init; }
    public required AuditTrail Audit { get; init; }
    public required ILogger Logger { get; init; }

    /// <summary>Series of what the role stands on, shown with its own.</summary>
    public MetricsRegistry? StoreMetrics { get; init; }

    /// <summary>How issuers and token endpoints are called; null calls them under the egress guard of sts.md 9.6.</summary>
    public HttpMessageInvoker? Http { get; init; }
}
