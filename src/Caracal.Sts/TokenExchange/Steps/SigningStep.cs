using Caracal.Protocol.Mandates;
using Caracal.Sts.Jwks;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>What both ways of issuing share: the zone's signing key and the registered JTI.</summary>
internal static class SigningStep
{
    private const string JtiPrefix = "audit:jti:";

    /// <summary>The key that signs now, made on demand; null when the zone's keys exist and none opens.</summary>
    public static async ValueTask<OpenedKey?> FindSignerAsync(ExchangeParts parts, Exchange exchange, CancellationToken cancellationToken)
    {
        if (exchange.Zone!.Keys.SignerAt(exchange.Now) is { } signer)
        {
            return signer;
        }

        if (exchange.Zone.Keys.Unreadable > 0)
        {
            return null; // making another would hide the fault
        }

        await parts.Keys.EnsureAsync(exchange.ZoneId, cancellationToken);
        return (await parts.Zones.GetFreshAsync(exchange.ZoneId, cancellationToken))?.Keys.SignerAt(exchange.Now);
    }

    /// <summary>Registers the mandate's id; two mandates with one id are an anomaly, and neither may go out.</summary>
    public static async ValueTask<Verdict> RegisterAsync(
        ExchangeParts parts, Exchange exchange, MandateClaims claims, CancellationToken cancellationToken)
    {
        var registered = await parts.State.TryAddAsync(
            JtiPrefix + claims.Jti,
            $"{claims.ClientId}|{claims.IssuedAt}",
            TimeSpan.FromSeconds(exchange.LifetimeSeconds),
            cancellationToken);
        if (registered)
        {
            return Verdict.Continue;
        }

        await parts.Audit.JtiCollisionAsync(exchange, claims.Jti!, cancellationToken);
        return StsErrors.Internal;
    }
}
