using Caracal.Protocol.Mandates;

namespace Caracal.Verifier;

/// <summary>Steps 3 and 4 of gateway.md B3: times, issuer, audience, and the shape of every claim.</summary>
internal static class ClaimRules
{
    private const long LeewaySeconds = 60;

    /// <summary>The same claims when they are good, else null.</summary>
    public static MandateClaims? Judge(MandateClaims claims, MandateVerifierOptions options, long now) =>
        IsForUs(claims, options) && IsTimely(claims, now) && IsShaped(claims) ? claims : null;

    private static bool IsForUs(MandateClaims claims, MandateVerifierOptions options) =>
        string.Equals(claims.Issuer, options.Issuer, StringComparison.Ordinal)
        && claims.Audience.Contains(options.Audience, StringComparer.Ordinal);

    // Sums, not differences: a claimed time may lie anywhere in the range of a long.
    private static bool IsTimely(MandateClaims claims, long now) =>
        claims.ExpiresAt > now - LeewaySeconds && claims.ExpiresAt <= LastSecond
        && claims.IssuedAt is >= 0 and var issued && issued <= now + LeewaySeconds
        && (claims.NotBefore is not { } notBefore || notBefore <= now + LeewaySeconds);

    private static bool IsShaped(MandateClaims claims) =>
        claims.WellTyped
        && claims is { Jti: not null, Subject: not null, ClientId: not null, Sid: not null, RootSid: not null }
        && claims.Use is MandateUse.Session or MandateUse.Resource
        && claims.SubjectType is "user" or "application";

    // The last second a DateTimeOffset can name.
    private const long LastSecond = 253402300799;
}
