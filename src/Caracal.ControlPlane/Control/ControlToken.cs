using Caracal.ControlPlane.Resources;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Storage.Applications;
using Caracal.Storage.AuditReads;
using Caracal.Storage.Lists;

namespace Caracal.ControlPlane.Control;

/// <summary>Who invokes, as a verified control token says it.</summary>
/// <param name="ZoneId">The token's zone.</param>
/// <param name="Subject">Claim <c>sub</c>.</param>
/// <param name="ClientId">Claim <c>client_id</c>; empty when there is none.</param>
/// <param name="Jti">Claim <c>jti</c>.</param>
/// <param name="Scopes">What the token may do.</param>
/// <param name="Expires">Claim <c>exp</c>.</param>
internal sealed record ControlSubject(string ZoneId, string Subject, string ClientId, string Jti, IReadOnlySet<string> Scopes, DateTimeOffset Expires);

/// <summary>Verifies control tokens (control.md 3): ES256 under the zone's keys, issuer, audience, times, and a key that still lives.</summary>
internal sealed class ControlToken(ControlPlaneSettings settings, ControlSettings control, IZoneKeys keys, Database database, DatabaseClock clock)
{
    private static readonly TimeSpan Leeway = TimeSpan.FromSeconds(60);

    /// <summary>The subject; null when there is no good token.</summary>
    public async Task<ControlSubject?> VerifyAsync(string? bearer, CancellationToken cancellationToken)
    {
        if (bearer is null || MandateToken.TryParse(bearer) is not { } token || !IsShaped(token)) return null;
        var zoneId = token.Claims.ZoneId!;
        if (await keys.FindAsync(zoneId, token.KeyId!, cancellationToken) is not { } key || !key.Verify(token)) return null;
        var claims = token.Claims;
        if (!IsForControl(claims) || !IsTimely(claims, clock.Now)) return null;
        if (!await database.ReadAsync(connection => IsLiveAsync(connection, claims), cancellationToken)) return null;
        var scopes = (claims.Scope ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
        return new ControlSubject(zoneId, claims.Subject!, claims.ClientId ?? "", claims.Jti!, scopes, DateTimeOffset.FromUnixTimeSeconds(claims.ExpiresAt));
    }

    private static bool IsShaped(MandateToken token) =>
        token is { Algorithm: "ES256", KeyId.Length: > 0, Signature.Length: 64, Claims.WellTyped: true }
        && token.Claims.ZoneId is { } zone && Ids.IsPathId(zone);

    private bool IsForControl(MandateClaims claims) =>
        claims.Issuer == control.Issuer
        && claims.Audience is [var audience] && audience == settings.ControlAudience
        && claims.Use == MandateUse.Resource
        && claims is { Jti.Length: > 0, Subject.Length: > 0 };

    private static bool IsTimely(MandateClaims claims, DateTimeOffset now)
    {
        var seconds = now.ToUnixTimeSeconds();
        var leeway = (long)Leeway.TotalSeconds;
        return claims.ExpiresAt is > 0 and <= 253402300799 && claims.ExpiresAt > seconds - leeway
            && claims.IssuedAt is >= 0 and var issued && issued <= seconds + leeway
            && (claims.NotBefore is not { } start || start <= seconds + leeway);
    }

    // A token outlives the key that minted it by minutes: a key that was deleted, or whose authority was ended, invokes nothing.
    private async Task<bool> IsLiveAsync(System.Data.Common.DbConnection connection, MandateClaims claims)
    {
        var application = await ApplicationStore.FindAsync(connection, claims.ZoneId!, claims.ClientId ?? claims.Subject!);
        if (application is null || !application.Traits.Contains(ControlResource.InvokeTrait)) return false;
        if (claims.Sid is not { } sid) return true;
        var records = await AuthorityRecordReads.ListAsync(
            connection, database.Dialect, claims.ZoneId!, sid, status: null, subjectId: null, kind: null, new PageQuery(Keyset.Top, 1));
        return records.All(record => record.Status != "revoked");
    }
}
