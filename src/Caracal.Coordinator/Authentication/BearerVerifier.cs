using System.Collections.Concurrent;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;

namespace Caracal.Coordinator.Authentication;

/// <summary>Why a token was refused, for logs; the default refuses.</summary>
internal enum TokenFault
{
    Malformed,
    AlgorithmNotAllowed,
    NoMatchingKey,
    SignatureInvalid,
    ClaimInvalid,
    TokenExpired,
    None,
}

/// <summary>Verifies mandates against their zone's keys: ES256, issuer, audience, times (coordinator.md 3 step 4).</summary>
/// <param name="keys">The zones' keys.</param>
/// <param name="issuerUrl">What <c>iss</c> must equal.</param>
/// <param name="time">The process clock.</param>
internal sealed class BearerVerifier(IZoneKeys keys, string issuerUrl, TimeProvider time)
{
    private const long SkewSeconds = 60;
    private const int MostRemembered = 1_024;

    // A lifecycle mandate comes with every call for minutes. Its signature is good for as long as its zone has this very
    // key: one that was fetched again, or dropped, is asked again. Everything else about the token is judged every time.
    private readonly ConcurrentDictionary<string, (MandateToken? Mandate, object? Key)> _verified = new(StringComparer.Ordinal);

    /// <summary>The claims, or null with the reason.</summary>
    /// <param name="token">Compact JWS.</param>
    /// <param name="zoneId">The zone it must be of; null takes the one it names.</param>
    /// <param name="audience">What <c>aud</c> must contain; null means the issuer.</param>
    /// <param name="cancellationToken">Cancels the key lookup.</param>
    public async ValueTask<(MandateClaims? Claims, TokenFault Fault)> VerifyAsync(
        string token, string? zoneId, string? audience, CancellationToken cancellationToken)
    {
        var known = _verified.GetValueOrDefault(token);
        var mandate = known.Mandate ?? MandateToken.TryParse(token);
        if (mandate is null || mandate.Claims.ZoneId is not { } named || !Ids.IsPathId(named))
        {
            return (null, TokenFault.Malformed);
        }

        if (mandate.Algorithm != "ES256" || string.IsNullOrEmpty(mandate.KeyId))
        {
            return (null, TokenFault.AlgorithmNotAllowed);
        }

        if (zoneId is not null && named != zoneId)
        {
            return (null, TokenFault.ClaimInvalid);
        }

        if (await keys.FindAsync(named, mandate.KeyId, cancellationToken) is not { } key)
        {
            return (null, TokenFault.NoMatchingKey);
        }

        if (!ReferenceEquals(known.Key, key))
        {
            if (!key.Verify(mandate))
            {
                return (null, TokenFault.SignatureInvalid);
            }

            Remember(token, mandate, key);
        }

        var fault = CheckClaims(mandate.Claims, audience ?? issuerUrl);
        return fault == TokenFault.None ? (mandate.Claims, fault) : (null, fault);
    }

    private void Remember(string token, MandateToken mandate, object key)
    {
        if (_verified.Count >= MostRemembered)
        {
            _verified.Clear();
        }

        _verified[token] = (mandate, key);
    }

    private TokenFault CheckClaims(MandateClaims claims, string audience)
    {
        if (!claims.WellTyped || claims.Issuer != issuerUrl || !claims.Audience.Contains(audience, StringComparer.Ordinal))
        {
            return TokenFault.ClaimInvalid;
        }

        var now = time.GetUtcNow().ToUnixTimeSeconds();
        return claims.ExpiresAt <= now - SkewSeconds ? TokenFault.TokenExpired
            : claims.NotBefore > now + SkewSeconds ? TokenFault.ClaimInvalid
            : TokenFault.None;
    }
}
