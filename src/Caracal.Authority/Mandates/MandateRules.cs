using Caracal.Protocol.Mandates;

namespace Caracal.Authority.Mandates;

/// <summary>When the STS accepts one of its own mandates (sts.md 6.3). The signature is checked elsewhere, by a key.</summary>
public static class MandateRules
{
    private const long LeewaySeconds = 60;

    /// <summary>True when the claims hold for this issuer, zone and class at this time.</summary>
    public static bool ClaimsHold(MandateClaims claims, string issuer, string zoneId, string use, DateTimeOffset now) =>
        ClaimsHold(claims, issuer, issuer, zoneId, use, now);

    /// <summary>The same for a mandate whose audience is not us.</summary>
    public static bool ClaimsHold(MandateClaims claims, string issuer, string audience, string zoneId, string use, DateTimeOffset now)
    {
        var seconds = now.ToUnixTimeSeconds();
        return claims.WellTyped
            && claims.Issuer == issuer
            && Contains(claims.Audience, audience)
            && claims.ExpiresAt > 0 && claims.ExpiresAt + LeewaySeconds > seconds
            && (claims.IssuedAt ?? 0) <= seconds + LeewaySeconds
            && (claims.NotBefore ?? 0) <= seconds + LeewaySeconds
            && claims.ZoneId == zoneId
            && claims.Use == use;
    }

    private static bool Contains(IReadOnlyList<string> list, string value)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] == value)
            {
                return true;
            }
        }

        return false;
    }
}
