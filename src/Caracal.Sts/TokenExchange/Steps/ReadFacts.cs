using Caracal.Protocol.Mandates;
using Caracal.Storage.TokenExchange;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>
/// The one combined read of an exchange: the zone's version, the authority record, the Session and the Delegation, all
/// as they are now. Ids out of an unverified token only choose which rows are read; nothing is granted by them.
/// </summary>
internal sealed class ReadFacts(ExchangeParts parts) : IExchangeStep
{
    public async ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        var request = exchange.Request;
        exchange.Now = parts.Clock.Now;
        exchange.Subject ??= request.SubjectToken is { } token ? MandateToken.TryParse(token.Span) : null;
        var claims = exchange.Subject?.Claims;
        exchange.Lookup = new ExchangeLookup(
            exchange.ZoneId,
            claims?.Sid ?? request.SessionId,
            claims?.AgentSessionId ?? request.AgentSessionId,
            claims?.DelegationEdgeId ?? request.DelegationEdgeId);
        exchange.Facts = await parts.Facts.ReadAsync(exchange.Lookup, cancellationToken);
        exchange.Zone = await parts.Zones.GetAsync(exchange.ZoneId, exchange.Facts.ZoneVersion, cancellationToken);
        return Verdict.Continue;
    }
}
