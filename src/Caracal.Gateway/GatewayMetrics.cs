using Caracal.Hosting.Metrics;

namespace Caracal.Gateway;

/// <summary>What the pipeline counts (gateway.md A11). A counter's name, in snake case, is its key in <c>/metrics.json</c>.</summary>
public enum GatewayCounter
{
    None,
    RequestsTotal,
    RequestsAllowed,
    RequestsDenied,
    DenialsMissingAuth,
    DenialsBadBearer,
    DenialsExpiring,
    DenialsBadRouting,
    DenialsPathTraversal,
    DenialsSignature,
    DenialsJtiReplay,
    DenialsRevoked,
    DenialsRevocationStale,
    DenialsReplayUnavailable,
    DenialsBudget,
    StsExchangeErrors,
    StsCircuitOpened,
    StsCircuitFastFail,
    UpstreamErrors,
    RevocationMessages,
    RevocationReloads,
    RevocationReloadErrors,
    JwksFetchErrors,
}

/// <summary>The Gateway's series in both spellings: Prometheus names at <c>/metrics</c>, bare keys at <c>/metrics.json</c>.</summary>
internal sealed class GatewayMetrics
{
    private const string Prefix = "caracal_gateway_";

    private readonly Counter?[] _counters = new Counter?[Enum.GetValues<GatewayCounter>().Length];
    private readonly string[] _keys = new string[Enum.GetValues<GatewayCounter>().Length];
    private long _exchangeMilliseconds;
    private long _propagationSeconds;

    public GatewayMetrics(MetricsRegistry registry)
    {
        foreach (var counter in Enum.GetValues<GatewayCounter>())
        {
            var key = System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(counter.ToString());
            _keys[(int)counter] = key;
            if (counter != GatewayCounter.None)
            {
                // "requests_total" already ends as Prometheus wants it.
                var name = Prefix + (counter == GatewayCounter.RequestsTotal ? key : key + "_total");
                _counters[(int)counter] = registry.Counter(name, key, HasAlias(counter) ? key : null);
            }
        }

        registry.Gauge(Prefix + "sts_exchange_latency_ms", () => Interlocked.Read(ref _exchangeMilliseconds), "sts_exchange_latency_ms");
        registry.Gauge(
            Prefix + "revocation_propagation_seconds", () => Interlocked.Read(ref _propagationSeconds), "revocation_propagation_seconds");
    }

    public void Count(GatewayCounter counter) => _counters[(int)counter]?.Add();

    public long Value(GatewayCounter counter) => _counters[(int)counter]?.Value ?? 0;

    /// <summary>The bare name, which is also the <c>reason</c> of a sampled denial.</summary>
    public string Key(GatewayCounter counter) => _keys[(int)counter];

    /// <summary>Gauge <c>sts_exchange_latency_ms</c>: the last exchange.</summary>
    public void ExchangeTook(TimeSpan time) => Interlocked.Exchange(ref _exchangeMilliseconds, (long)time.TotalMilliseconds);

    /// <summary>Gauge <c>revocation_propagation_seconds</c>: from the entry's id to its mark, for the last message.</summary>
    public void RevocationTook(TimeSpan time) => Interlocked.Exchange(ref _propagationSeconds, Math.Max(0, (long)time.TotalSeconds));

    // The seeds' bare aliases at /metrics (gateway.md D4); revocations_active is a gauge and registered with its owner.
    private static bool HasAlias(GatewayCounter counter) =>
        counter is GatewayCounter.DenialsSignature or GatewayCounter.DenialsJtiReplay
            or GatewayCounter.DenialsRevoked or GatewayCounter.StsExchangeErrors;
}
