using System.Net.Security;

namespace Caracal.Egress;

/// <summary>Limits of a <see cref="GuardedHttp"/>; the defaults are those of gateway.md A9.</summary>
public sealed record GuardedHttpOptions
{
    /// <summary>Connecting and the TLS handshake together, over all addresses of a host.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an unused connection is kept.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>Connections per scheme, host and port.</summary>
    public int MaxConnectionsPerHost { get; init; } = 200;

    /// <summary>Extra trust, for an own certificate authority; null means the system's.</summary>
    public RemoteCertificateValidationCallback? ValidateCertificate { get; init; }
}
