using System.Text.Json;
using Caracal.Authority.Federation;
using Caracal.Authority.Policies;
using Caracal.Authority.TokenExchange;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Federation;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 10: an <c>id_token</c> becomes a user's session mandate, or nothing (sts.md 2.5).</summary>
internal sealed class FederateUser(ExchangeParts parts) : IExchangeStep
{
    private const long LeewaySeconds = 60;

    private static readonly Refusal TooManyFields =
        new(400, "invalid_token", "an id_token exchange takes no resource, scope, session, delegation or approval");

    private static readonly PolicyDecision Federated = PolicyDecision.Allow("caracal-subject-federation");

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

        if (!parts.Clock.IsUsable)
        {
            return StsErrors.ClockUnusable;
        }

        var token = IdToken.TryParse(request.SubjectToken!.Value.ToString());
        if (await ProblemAsync(exchange, token, cancellationToken) is { } problem)
        {
            await parts.Audit.DenyAsync(exchange, "subject_federation_rejected", cancellationToken, reason: problem);
            return StsErrors.BadSubjectToken.With($"invalid subject_token: {problem}");
        }

        return await MintAsync(exchange, token!, cancellationToken);
    }

    private async Task<string?> ProblemAsync(Exchange exchange, IdToken? token, CancellationToken cancellationToken)
    {
        if (token is null)
        {
            return "malformed token";
        }

        if (token.Issuer is null || exchange.Zone!.FindIssuer(token.Issuer) is not { } issuer)
        {
            return "unknown issuer";
        }

        if (await parts.IssuerKeys.FindAsync(issuer, token.KeyId, cancellationToken) is not { } key)
        {
            return "unknown key";
        }

        if (!key.Verifies(token))
        {
            return "signature does not hold";
        }

        var now = exchange.Now.ToUnixTimeSeconds();
        if (!token.Audience.Contains(issuer.Audience))
        {
            return "wrong audience";
        }

        if (token.ExpiresAt is not { } expiry || expiry + LeewaySeconds <= now)
        {
            return "expired";
        }

        return token.IssuedAt > now + LeewaySeconds || token.NotBefore > now + LeewaySeconds
            ? "not valid yet"
            : FederatedSubject.Problem(token.Subject);
    }

    private async Task<Verdict> MintAsync(Exchange exchange, IdToken token, CancellationToken cancellationToken)
    {
        if (await SigningStep.FindSignerAsync(parts, exchange, cancellationToken) is not { } signer)
        {
            return StsErrors.NoUsableKey;
        }

        var seconds = LifetimeRules.Requested(exchange.Request.TtlSeconds, gateway: false, parts.Settings.MaximumGrantSeconds);
        exchange.LifetimeSeconds = LifetimeRules.Until(exchange.Application!.ExpiresAt, exchange.Now, seconds);
        if (exchange.LifetimeSeconds <= 0)
        {
            return StsErrors.NoLifetime;
        }

        var claims = Claims(exchange, token.Subject!);
        await parts.FederatedRecords.InsertAsync(
            new NewAuthorityRecord
            {
                Id = claims.Sid!,
                ZoneId = exchange.ZoneId,
                SessionType = "user",
                SubjectId = token.Subject!,
                ExpiresAt = exchange.Now.AddSeconds(exchange.LifetimeSeconds),
                Now = exchange.Now,
            },
            $$"""{"iss":"{{JsonEncodedText.Encode(token.Issuer!)}}"}""",
            cancellationToken);
        await parts.Audit.FederatedAsync(exchange, Federated, token.Issuer!, claims.Sid!, cancellationToken);
        exchange.Minted = claims;
        exchange.AccessToken = MandateSigner.Sign(signer, claims);
        var registered = await SigningStep.RegisterAsync(parts, exchange, claims, cancellationToken);
        return registered.GoesOn ? Verdict.Granted : registered;
    }

    private MandateClaims Claims(Exchange exchange, string subject)
    {
        var sid = Ids.New();
        var issuedAt = exchange.Now.ToUnixTimeSeconds();
        return new MandateClaims
        {
            Issuer = parts.Settings.Issuer,
            Subject = subject,
            Audience = [parts.Settings.Issuer],
            ExpiresAt = issuedAt + exchange.LifetimeSeconds,
            IssuedAt = issuedAt,
            Jti = Ids.New(),
            ZoneId = exchange.ZoneId,
            ClientId = exchange.Application!.Id,
            Sid = sid,
            RootSid = sid,
            Use = MandateUse.Session,
            SubjectType = "user",
        };
    }
}
