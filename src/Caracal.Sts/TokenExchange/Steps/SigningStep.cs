using Caracal.Protocol.Mandates;
using Caracal.Sts.Jwks;
using Caracal.Sts.Zones;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>What both ways of issuing share: the zone's signing key and the registered JTI.</summary>
internal static class SigningStep
{
    private const string JtiPrefix = "audit:jti:";

    /// <summary>The key that signs now, made on demand; null when the zone's keys exist and none opens.</summary>
    public static ValueTask<OpenedKey?> FindSignerAsync(ExchangeParts parts, Exchange exchange, CancellationToken cancellationToken) =>
        FindSignerAsync(parts, exchange.Zone!, exchange.Now, cancellationToken);

    /// <summary>The same for a call that is no exchange.</summary>
    public static async ValueTask<OpenedKey?> FindSignerAsync(
        ExchangeParts parts, ZoneState zone, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (zone.Keys.SignerAt(now) is { } signer)
        {
            return signer;
        }

        if (zone.Keys.Unreadable > 0)
        {
            return null; // making another would hide the fault
        }

        await parts.Keys.EnsureAsync(zone.ZoneId, cancellationToken);
        return (await parts.Zones.GetFreshAsync(zone.ZoneId, cancellationToken))?.Keys.SignerAt(now);
    }

    /// <summary>Marks the mandate's id as given out; false when it already was.</summary>
    public static ValueTask<bool> TryRegisterAsync(
        ExchangeParts parts, MandateClaims claims, long lifetimeSeconds, CancellationToken cancellationToken) =>
        parts.State.TryAddAsync(
            JtiPrefix + claims.Jti, $"{claims.ClientId}|{claims.IssuedAt}", TimeSpan.FromSeconds(lifetimeSeconds), cancellationToken);

    /// <summary>Registers the mandate's id; two mandates with one id are an anomaly, and neither may go out.</summary>
    public static async ValueTask<Verdict> RegisterAsync(
        ExchangeParts parts, Exchange exchange, MandateClaims claims, CancellationToken cancellationToken)
    {
        if (await TryRegisterAsync(parts, claims, exchange.LifetimeSeconds, cancellationToken))
        {
            return Verdict.Continue;
        }

        await parts.Audit.JtiCollisionAsync(exchange, claims.Jti!, cancellationToken);
        return StsErrors.Internal;
    }
}
