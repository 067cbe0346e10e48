using Caracal.Protocol;
using Caracal.Protocol.Mandates;

namespace Caracal.Sts.TokenExchange;

/// <summary>The claims of sts.md 6.1 for an exchange that was granted.</summary>
internal static class MandateClaimsBuilder
{
    public static MandateClaims Build(Exchange exchange, string issuer, string sid)
    {
        var use = Use(exchange);
        var subject = exchange.SubjectClaims;
        var granted = Identifiers(exchange);
        var issuedAt = exchange.Now.ToUnixTimeSeconds();
        var proof = exchange.Delegation;
        return new MandateClaims
        {
            Issuer = issuer,
            Subject = subject?.Subject ?? exchange.Application!.Id,
            Audience = use == MandateUse.Resource ? granted : [issuer],
            ExpiresAt = issuedAt + exchange.LifetimeSeconds,
            IssuedAt = issuedAt,
            Jti = Ids.New(),
            ZoneId = exchange.ZoneId,
            ClientId = exchange.Application!.Id,
            Scope = exchange.Request.Scope ?? (exchange.IsGateway ? subject?.Scope : null),
            Sid = sid,
            RootSid = use == MandateUse.Session ? sid : subject?.RootSid ?? subject?.Sid ?? sid,
            Use = use,

            // A token alone proves nothing about a person: only a user's own mandate passes that on.
            SubjectType = subject?.SubjectType == "user" ? "user" : "application",
            Target = granted,
            AgentSessionId = exchange.Session?.Id,
            DelegationEdgeId = proof?.Edge.Id,
            SourceSessionId = proof?.Edge.SourceSessionId,
            TargetSessionId = proof?.Edge.TargetSessionId,
            DelegationPath = proof is null ? [] : proof.Path,
            DelegationChain = proof is null ? [] : proof.Chain,
            HopCount = proof?.Path.Length ?? 0,
            GraphEpoch = proof?.Epoch ?? 0,
        };
    }

    private static string Use(Exchange exchange)
    {
        if (exchange.IsGateway || exchange.IsControlKey)
        {
            return MandateUse.Resource;
        }

        return exchange.Session is not null && exchange.Delegation is not null ? MandateUse.Gateway : MandateUse.Session;
    }

    private static string[] Identifiers(Exchange exchange)
    {
        var identifiers = new string[exchange.Granted.Count];
        for (var i = 0; i < identifiers.Length; i++)
        {
            identifiers[i] = exchange.Granted[i].Identifier;
        }

        return identifiers;
    }
}
