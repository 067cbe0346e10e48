using Caracal.Authority.Mandates;
using Caracal.Protocol.Mandates;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 13: the subject token's signature and claims (sts.md 6.3) and the authority record it stands on (6.4).</summary>
internal sealed class VerifySubjectToken(ExchangeParts parts) : IExchangeStep
{
    public ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        var request = exchange.Request;
        if (request.SubjectToken is null)
        {
            return ValueTask.FromResult(request.SessionId is null ? Verdict.Continue : AdoptRecord(exchange));
        }

        var use = exchange.IsGateway ? MandateUse.Gateway : MandateUse.Session;
        // Without a JTI a mandate could not be spent, so it is none.
        if (exchange.Subject is not { Claims.Jti.Length: > 0 } token
            || exchange.Zone!.FindVerificationKey(token.KeyId) is not { } key
            || !key.Verify(token)
            || !MandateRules.ClaimsHold(token.Claims, parts.Settings.Issuer, exchange.ZoneId, use, exchange.Now))
        {
            return ValueTask.FromResult(Verdict.Refuse(StsErrors.BadSubjectToken));
        }

        exchange.SubjectVerified = true;
        return ValueTask.FromResult(AdoptClaims(exchange, token.Claims));
    }

    private static Verdict AdoptClaims(Exchange exchange, MandateClaims claims)
    {
        if (string.IsNullOrEmpty(claims.Sid))
        {
            return StsErrors.SidMissing;
        }

        var request = exchange.Request;
        var record = exchange.Facts.Record;
        if ((request.SessionId is not null && request.SessionId != claims.Sid)
            || record is null || record.Id != claims.Sid || !record.IsLive(exchange.Now)
            || record.SubjectId != claims.Subject
            || claims.ClientId != request.ApplicationId)
        {
            return StsErrors.RecordRefused;
        }

        if ((request.AgentSessionId is not null && request.AgentSessionId != claims.AgentSessionId)
            || (request.DelegationEdgeId is not null && request.DelegationEdgeId != claims.DelegationEdgeId))
        {
            return StsErrors.SessionRefused;
        }

        exchange.Record = record;
        exchange.Request = request with
        {
            SessionId = claims.Sid,
            AgentSessionId = claims.AgentSessionId,
            DelegationEdgeId = claims.DelegationEdgeId,
        };
        return Verdict.Continue;
    }

    // A record named without a token must be the caller's own bootstrap.
    private static Verdict AdoptRecord(Exchange exchange)
    {
        var record = exchange.Facts.Record;
        if (record is null || record.Id != exchange.Request.SessionId || !record.IsLive(exchange.Now)
            || record.SessionType != "application" || record.SubjectId != exchange.Application!.Id)
        {
            return StsErrors.RecordRefused;
        }

        exchange.Record = record;
        return Verdict.Continue;
    }
}
