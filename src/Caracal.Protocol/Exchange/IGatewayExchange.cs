namespace Caracal.Protocol.Exchange;

/// <summary>
/// The Gateway's exchange of a mandate at the STS (gateway.md A8): over HTTP with the signature of sts.md 5, or by a
/// call in the same process. Both run the same checks and leave the same audit events.
/// </summary>
public interface IGatewayExchange
{
    /// <summary>Exchanges once; never retries. Transport faults come back as a failed outcome, not as an exception, except cancellation.</summary>
    Task<ExchangeOutcome> ExchangeAsync(ExchangeRequest request, CancellationToken cancellationToken);

    /// <summary>True when the STS answers its health check.</summary>
    Task<bool> IsReachableAsync(CancellationToken cancellationToken);
}
