using Caracal.Hosting.Http;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.TokenExchange;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.OAuth;

/// <summary><c>POST /oauth/2/revoke</c> (RFC 7009): a client ends a mandate of its own, with everything minted under it.</summary>
internal sealed class RevokeToken(ExchangeParts parts, OAuthClientAuthentication authentication, TokenRevocation revocations)
{
    public Task HandleAsync(HttpContext context) =>
        OAuthEndpoint.AnswerAsync(context, parts, authentication, async (caller, token, cancellationToken) =>
        {
            if (!parts.Clock.IsUsable)
            {
                return StsErrors.ClockUnusable;
            }

            // RFC 7009 2.2: a token that is none, or over, is as good as revoked.
            var now = parts.Clock.Now;
            if (PresentedToken.TryVerify(parts, caller.Zone, token, now) is { } claims)
            {
                if (claims.ClientId != caller.Application.Id)
                {
                    return OAuthErrors.NotYours;
                }

                if (await revocations.RevokeAsync(caller.Zone.ZoneId, claims.Sid!, context.RequestId(), now, cancellationToken) > 0)
                {
                    await parts.Audit.TokenRevokedAsync(caller.Zone, caller.Application, claims, context.RequestId(), now, cancellationToken);
                }
            }

            context.Response.StatusCode = StatusCodes.Status200OK;
            return null;
        });
}
