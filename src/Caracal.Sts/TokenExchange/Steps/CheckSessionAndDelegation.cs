using Caracal.Authority.TokenExchange;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 15: the Session and the Delegation the request names (sts.md 7).</summary>
internal sealed class CheckSessionAndDelegation(ExchangeParts parts) : IExchangeStep
{
    public ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        var request = exchange.Request;
        if (request.AgentSessionId is null)
        {
            return ValueTask.FromResult(request.DelegationEdgeId is null ? Verdict.Continue : Verdict.Refuse(StsErrors.SessionRefused));
        }

        var session = exchange.Facts.Session;
        if (session is null || session.Id != request.AgentSessionId || !session.IsActive(exchange.Now)
            || session.ApplicationId != exchange.Application!.Id)
        {
            return ValueTask.FromResult(Verdict.Refuse(StsErrors.SessionRefused));
        }

        // Step 7: with a session mandate, the Session must stand on the very record the mandate names.
        if (exchange.SubjectVerified && !exchange.IsGateway && session.SubjectRecordId != request.SessionId)
        {
            return ValueTask.FromResult(Verdict.Refuse(StsErrors.SessionRefused));
        }

        exchange.Session = session;
        if (request.DelegationEdgeId is null)
        {
            return ValueTask.FromResult(Verdict.Continue);
        }

        exchange.Delegation = Prove(exchange, exchange.Facts, parts.Settings.CrossApplicationChains, exchange.Now);
        parts.Metrics.GraphTraversed(exchange.Delegation is not null);
        return exchange.Delegation is not null ? ValueTask.FromResult(Verdict.Continue)
            : AsksForMore(exchange) ? RefuseMoreAsync(exchange, cancellationToken)
            : ValueTask.FromResult(Verdict.Refuse(StsErrors.SessionRefused));
    }

    // The edge is good and the caller holds it; it only asks for more than it was given. That is a decision about
    // authority, so it is named and leaves its event, as the decision contract would (sts.md 10.4).
    private async ValueTask<Verdict> RefuseMoreAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        await parts.Audit.DenyAsync(exchange, "exchange_denied", cancellationToken, reason: StsErrors.DelegationScopeExceededReason);
        return Verdict.Refuse(StsErrors.DelegationScopeExceeded);
    }

    private bool AsksForMore(Exchange exchange) =>
        exchange.Facts.Delegation is { } delegation && delegation.Lineage is [var edge, ..]
        && edge.Id == exchange.Request.DelegationEdgeId
        && !Scopes.AreWithin(exchange.Scopes, edge.Scopes)
        && DelegationRules.Prove(
            delegation,
            exchange.Facts.Session,
            new DelegationClaim(exchange.Application!.Id, [], exchange.Request.TtlSeconds, parts.Settings.CrossApplicationChains),
            exchange.Now) is not null;

    /// <summary>The proof from these facts; also asked again inside the write (B10).</summary>
    internal static DelegationProof? Prove(
        Exchange exchange, Storage.TokenExchange.ExchangeFacts facts, bool crossApplication, DateTimeOffset now) =>
        facts.Delegation is { } delegation && delegation.Lineage[0].Id == exchange.Request.DelegationEdgeId
            ? DelegationRules.Prove(
                delegation,
                facts.Session,
                new DelegationClaim(exchange.Application!.Id, exchange.Scopes, exchange.Request.TtlSeconds, crossApplication),
                now)
            : null;
}
