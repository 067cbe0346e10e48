using Caracal.Storage;
using Caracal.Storage.Approvals;
using Caracal.Storage.TokenExchange;
using Caracal.Streams.State;
using Caracal.Sts.Approvals;
using Caracal.Sts.Audit;
using Caracal.Sts.Federation;
using Caracal.Sts.Health;
using Caracal.Sts.Jwks;
using Caracal.Sts.PolicyShadows;
using Caracal.Sts.Providers;
using Caracal.Sts.RateLimits;
using Caracal.Sts.Upstreams;
using Caracal.Sts.Zones;

namespace Caracal.Sts.TokenExchange;

/// <summary>What the steps work with; made once by the service.</summary>
internal sealed record ExchangeParts
{
    public required StsSettings Settings { get; init; }
    public required DatabaseClock Clock { get; init; }
    public required ISharedState State { get; init; }
    public required ZoneStates Zones { get; init; }
    public required ZoneConfigurationStore Configuration { get; init; }
    public required ExchangeFactsStore Facts { get; init; }
    public required AuthorityRecordInsertion Records { get; init; }
    public required PreviousSecretUse PreviousSecrets { get; init; }
    public required HoldStore Holds { get; init; }
    public required FederatedRecordInsertion FederatedRecords { get; init; }
    public required IssuerKeys IssuerKeys { get; init; }
    public required ZoneKeyring Keys { get; init; }
    public required ExchangeLimits Limits { get; init; }
    public required StepUpThrottle StepUpThrottle { get; init; }
    public required ProviderSecrets Secrets { get; init; }
    public required ConnectionTokens Connections { get; init; }
    public required ProviderCredentials Credentials { get; init; }
    public required ShadowPolicies Shadows { get; init; }
    public required ExchangeAudit Audit { get; init; }
    public required StsMetrics Metrics { get; init; }
}
