using Caracal.Authority.Mandates;
using Caracal.Protocol.Mandates;
using Caracal.Sts.TokenExchange;
using Caracal.Sts.Zones;

namespace Caracal.Sts.OAuth;

/// <summary>A mandate of the caller's zone, as its signature proves it.</summary>
internal static class PresentedToken
{
    /// <summary>Null unless we issued it for this zone, in any class, and its time has not run out.</summary>
    public static MandateClaims? TryVerify(ExchangeParts parts, ZoneState zone, string text, DateTimeOffset now)
    {
        if (MandateToken.TryParse(text) is not { Claims: { Jti.Length: > 0, Sid.Length: > 0, Use: { } use } claims } token
            || use is not (MandateUse.Session or MandateUse.Gateway or MandateUse.Resource)
            || zone.FindVerificationKey(token.KeyId) is not { } key
            || !key.Verify(token))
        {
            return null;
        }

        // A resource mandate names its resource as audience; the other two name us.
        var audience = use == MandateUse.Resource ? (claims.Audience is [var first, ..] ? first : null) : parts.Settings.Issuer;
        return audience is not null
            && claims.ExpiresAt > now.ToUnixTimeSeconds()
            && MandateRules.ClaimsHold(claims, parts.Settings.Issuer, audience, zone.ZoneId, use, now)
                ? claims
                : null;
    }
}
