using Caracal.Protocol.Mandates;
using Caracal.Verifier.Keys;
using Caracal.Verifier.Revocations;

namespace Caracal.Verifier;

/// <summary>Decides whether a mandate may act on this resource server (gateway.md B3). Safe for concurrent callers.</summary>
public sealed class MandateVerifier : IDisposable
{
    private readonly MandateVerifierOptions _options;
    private readonly ZoneKeys _keys;

    /// <summary>Throws <see cref="ArgumentException"/> when the options cannot be used.</summary>
    public MandateVerifier(MandateVerifierOptions options)
    {
        options.Validate();
        _options = options;
        _keys = new ZoneKeys(options.Issuer, options.ZoneId, options.Http, options.Time);
    }

    /// <summary>What every mandate must carry unless a route says otherwise.</summary>
    public MandateRequirements Requirements => _options.Requirements;

    /// <summary>Fetches the keys, so that the first request need not; false when they cannot be had now.</summary>
    public Task<bool> WarmupAsync(CancellationToken cancellationToken = default) => _keys.WarmupAsync(cancellationToken);

    /// <summary>Judges a token against the server's own requirements.</summary>
    public ValueTask<VerificationResult> VerifyAsync(string? token, CancellationToken cancellationToken = default) =>
        VerifyAsync(token, _options.Requirements, cancellationToken);

    /// <summary>Judges a token against the requirements of a route.</summary>
    public async ValueTask<VerificationResult> VerifyAsync(
        string? token, MandateRequirements requirements, CancellationToken cancellationToken = default)
    {
        if (string.IsNullOrEmpty(token))
        {
            return VerificationResult.Refuse(Failures.MissingToken);
        }

        if (MandateToken.TryParse(token) is not { } parsed || parsed.Algorithm != "ES256"
            || await _keys.FindAsync(parsed.KeyId, cancellationToken) is not { } key || !key.Verify(parsed)
            || ClaimRules.Judge(parsed.Claims, _options, _options.Time.GetUtcNow().ToUnixTimeSeconds()) is not { } claims)
        {
            return VerificationResult.Refuse(Failures.InvalidToken);
        }

        if (!string.Equals(claims.ZoneId, _options.ZoneId, StringComparison.Ordinal))
        {
            return VerificationResult.Refuse(Failures.InvalidZone);
        }

        var principal = new MandatePrincipal(claims);
        var failure = RequirementRules.Judge(principal, requirements) ?? await CheckActiveAuthorityAsync(principal, cancellationToken);
        return failure is null ? VerificationResult.Accept(principal) : VerificationResult.Refuse(failure);
    }

    /// <summary>
    /// Null while the authority still holds: not expired (without leeway), not revoked, its delegation graph unchanged.
    /// For work that goes on after its request was accepted.
    /// </summary>
    public async ValueTask<VerificationFailure?> CheckActiveAuthorityAsync(
        MandatePrincipal principal, CancellationToken cancellationToken = default)
    {
        if (principal.ExpiresAt <= _options.Time.GetUtcNow())
        {
            return Failures.Expired;
        }

        try
        {
            if (await _options.Revocations.IsAnyRevokedAsync(principal.Anchors(), cancellationToken))
            {
                return Failures.Revoked;
            }

            return principal.GraphEpoch is { } epoch
                && await _options.Revocations.CurrentDelegationEpochAsync(principal.ZoneId, cancellationToken) > epoch
                ? Failures.Stale
                : null;
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // A store that cannot answer does not know that the authority is good.
            return Failures.Revoked;
        }
    }

    public void Dispose() => _keys.Dispose();
}
