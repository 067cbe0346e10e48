using Caracal.Authority.TokenExchange;
using Caracal.Protocol;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 10: an <c>id_token</c> asks for a user's session mandate (sts.md 2.5). No issuer can be verified by this build, so every one is refused and recorded.</summary>
internal sealed class FederateUser(ExchangeParts parts) : IExchangeStep
{
    private static readonly Refusal TooManyFields =
        new(400, "invalid_token", "an id_token exchange takes no resource, scope, session, delegation or approval");

    public async ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        var request = exchange.Request;
        if (request.SubjectTokenType != TokenRequest.IdTokenType)
        {
            return Verdict.Continue;
        }

        if (request.IsGateway || request.Resources.Count > 0 || request.Scopes.Count > 0 || request.SessionId is not null
            || request.AgentSessionId is not null || request.DelegationEdgeId is not null || request.ApprovalId is not null)
        {
            await parts.Audit.DenyAsync(exchange, "subject_federation_invalid", cancellationToken);
            return TooManyFields;
        }

        await parts.Audit.DenyAsync(exchange, "subject_federation_rejected", cancellationToken, reason: "no_active_issuer");
        return StsErrors.FederationUnavailable;
    }
}
