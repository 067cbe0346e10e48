using System.Text;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Protocol;
using Caracal.Storage.ProviderConnections;

namespace Caracal.ControlPlane.ProviderConnections;

/// <summary>Seals the tokens of a connection as the STS opens them (storage.md 6).</summary>
internal sealed class ConnectionSeals(KekRing keks)
{
    /// <summary>The subject that stands for everybody without a connection of their own.</summary>
    public const string Shared = ProviderConnectionStore.Shared;

    public NewConnection Seal(
        string zoneId, string subjectId, string providerId, string accessToken, string? refreshToken, DateTimeOffset? expiresAt, DateTimeOffset now) => new()
        {
            Id = Ids.New(),
            ZoneId = zoneId,
            SubjectId = subjectId,
            ProviderId = providerId,
            AccessTokenCt = Css1Envelope.Seal(keks, SealedLocations.ConnectionAccessToken, Encoding.UTF8.GetBytes(accessToken)),
            RefreshTokenCt = refreshToken is null
            ? null
            : Css1Envelope.Seal(keks, SealedLocations.ConnectionRefreshToken, Encoding.UTF8.GetBytes(refreshToken)),
            ExpiresAt = expiresAt,
            Now = now,
        };

    /// <summary>The token that takes the whole consent back, with its hint: the refresh token if there is one; null when nothing opens.</summary>
    public (string Token, string Hint)? OpenForRevocation(ConnectionTokensRow row) =>
        Open(SealedLocations.ConnectionRefreshToken, row.RefreshTokenCt) is { } refresh ? (refresh, "refresh_token")
        : Open(SealedLocations.ConnectionAccessToken, row.AccessTokenCt) is { } access ? (access, "access_token")
        : null;

    private string? Open(string location, byte[]? envelope)
    {
        if (envelope is null || Css1Envelope.Open(keks, location, envelope, out var plaintext) != Css1Outcome.Opened) return null;
        using (plaintext) return Encoding.UTF8.GetString(plaintext!.Span);
    }
}
