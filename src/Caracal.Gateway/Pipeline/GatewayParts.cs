using Caracal.Egress;
using Caracal.Gateway.Budgets;
using Caracal.Gateway.Evidence;
using Caracal.Gateway.Exchange;
using Caracal.Gateway.Forwarding;
using Caracal.Gateway.Revocations;
using Caracal.Gateway.Upstream;
using Caracal.Gateway.WebSockets;
using Caracal.Protocol.Exchange;
using Caracal.Protocol.Mandates;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Pipeline;

/// <summary>What the steps are made of.</summary>
internal sealed record GatewayParts
{
    public required GatewaySettings Settings { get; init; }
    public required RevocationState Revocations { get; init; }
    public required LiveAnswers LiveAnswers { get; init; }
    public required RelaySocket Sockets { get; init; }
    public required IZoneKeys ZoneKeys { get; init; }
    public required ISharedState State { get; init; }
    public required IGatewayExchange Exchange { get; init; }
    public required StsCircuit Circuit { get; init; }
    public required DelegationBudgets Budgets { get; init; }
    public required EgressGuard Guard { get; init; }
    public required GuardedHttp Http { get; init; }
    public required UpstreamTargets Targets { get; init; }
    public required CallEvidence Evidence { get; init; }

    /// <summary>Null where answers carry no receipt.</summary>
    public CallReceipts? Receipts { get; init; }
    public required GatewayMetrics Metrics { get; init; }
    public required ILogger Log { get; init; }
}
