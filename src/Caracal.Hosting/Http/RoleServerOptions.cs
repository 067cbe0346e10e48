using Caracal.Hosting.Keys;
using Caracal.Hosting.Metrics;

namespace Caracal.Hosting.Http;

/// <summary>What differs between the roles' HTTP servers.</summary>
public sealed record RoleServerOptions
{
    public required string Role { get; init; }
    public required ListenSettings Listen { get; init; }
    public required RequestIdRule RequestIdRule { get; init; }

    /// <summary>The response header that echoes the request id, in the spelling of the service.</summary>
    public string RequestIdHeader { get; init; } = "X-Request-Id";

    /// <summary>Body bytes; null means that the handlers count themselves.</summary>
    public long? MaximumBodySize { get; init; }

    /// <summary>Bytes of all request headers together; more is answered 431.</summary>
    public int MaximumHeaderSize { get; init; } = 16 * 1024;

    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(5);
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(75);

    /// <summary>Where the listener's own series go; null for none.</summary>
    public MetricsRegistry? Metrics { get; init; }

    /// <summary>Answers <see cref="KeyReport.Path"/>; null where nobody holds keys.</summary>
    public KeyReport? Keys { get; init; }

    /// <summary>False for a role that looks at every request target itself.</summary>
    public bool MapsRoutes { get; init; } = true;

    /// <summary>How long in-flight requests may go on after the stop began.</summary>
    public TimeSpan ShutdownGrace { get; init; } = TimeSpan.FromSeconds(10);
}
