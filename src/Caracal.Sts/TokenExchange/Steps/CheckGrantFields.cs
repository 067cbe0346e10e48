using Caracal.Authority.TokenExchange;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 7: the grant, the subject token and its type, and the two ids every exchange needs.</summary>
internal sealed class CheckGrantFields(ExchangeParts parts) : IExchangeStep
{
    public async ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        var request = exchange.Request;
        if (request.GrantType != TokenRequest.TokenExchangeGrant)
        {
            return StsErrors.BadGrantType;
        }

        if (request.SubjectTokenType is not (null or TokenRequest.AccessTokenType or TokenRequest.IdTokenType))
        {
            return StsErrors.BadSubjectTokenType;
        }

        if (request.SubjectToken is null != (request.SubjectTokenType is null))
        {
            return StsErrors.SubjectTokenIncomplete;
        }

        if (request.ApprovalIdsDiffer)
        {
            return StsErrors.ApprovalIdsDiffer;
        }

        if (request.ApplicationId is null)
        {
            return StsErrors.ApplicationMissing;
        }

        return request.ZoneId is null ? await FindControlKeyZoneAsync(exchange, cancellationToken) : Verdict.Continue;
    }

    // Only a request with the shape of a control-key exchange may leave the zone out (sts.md 2.4). An unknown
    // application goes on without a zone and fails where bad credentials fail.
    private async ValueTask<Verdict> FindControlKeyZoneAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        if (!ControlKeyRules.HasShape(exchange.Request, parts.Settings.ControlAudience))
        {
            return StsErrors.ZoneMissing;
        }

        var zone = await parts.Configuration.FindApplicationZoneAsync(exchange.Request.ApplicationId!, cancellationToken);
        exchange.Request = exchange.Request with { ZoneId = zone };
        return Verdict.Continue;
    }
}
