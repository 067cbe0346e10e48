using System.Text;
using Caracal.Egress.Providers;
using Caracal.Keys.Sealing;
using Caracal.Keys.Secrets;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.ProviderConnections;
using Caracal.Sts.Health;

namespace Caracal.Sts.Providers;

/// <summary>A connection's token, or why there is none; the default gives none.</summary>
/// <param name="Token">The access token.</param>
/// <param name="ConnectionId">Whose it is.</param>
/// <param name="Refusal">What the exchange answers.</param>
/// <param name="Status">The deny status of its event.</param>
/// <param name="Reason">Says more, for the event.</param>
internal readonly record struct ConnectionOutcome(
    UpstreamToken? Token, string? ConnectionId, Refusal? Refusal = null, string? Status = null, string? Reason = null);

/// <summary>The access token a user, or the shared account, consented to, refreshed when it is about to end (sts.md 9.3).</summary>
internal sealed class ConnectionTokens(
    ProviderConnectionStore store, TokenEndpointClient endpoint, ProviderCircuit circuit, CredentialWatches watches, RefreshLease lease,
    StsSettings settings, DatabaseClock clock, StsMetrics metrics)
{
    private static readonly TimeSpan Early = TimeSpan.FromSeconds(30);
    private const int Tries = 3;

    private readonly SingleFlight<RefreshResult> _flights = new(TimeSpan.FromSeconds(25));

    public async Task<ConnectionOutcome> FindAsync(
        string zoneId, string providerId, OAuthCredentials? credentials, string? subject, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(subject))
        {
            return new(null, null, StsErrors.NotProvisioned, "credential_not_provisioned", "no_user_principal");
        }

        // Read each time: a revoked connection gives nothing, from that moment.
        if (await store.FindAsync(zoneId, providerId, subject, cancellationToken) is not { } connection)
        {
            return new(null, null, StsErrors.NotProvisioned, "credential_not_provisioned", "no_provider_connection");
        }

        if (IsDue(connection))
        {
            var result = await RefreshAsync(connection, credentials, cancellationToken);
            if (!result.Ok)
            {
                return new(null, null, RefusalFor(result), "credential_refresh_failed", result.Description);
            }

            connection = await store.FindByIdAsync(connection.Id, cancellationToken);
        }

        return connection is { IsActive: true } && Open(SealedLocations.ConnectionAccessToken, connection.AccessTokenCt) is { Length: > 0 } token
            ? new(new UpstreamToken(token, connection.ExpiresAt), connection.Id)
            : new(null, null, StsErrors.NotProvisioned, "credential_not_provisioned", "no_access_token");
    }

    // Without a refresh token it is used to its very end.
    private bool IsDue(ProviderConnection connection) =>
        connection.ExpiresAt is { } end && end <= clock.Now + (connection.RefreshTokenCt is null ? TimeSpan.Zero : Early);

    private async Task<RefreshResult> RefreshAsync(
        ProviderConnection connection, OAuthCredentials? credentials, CancellationToken cancellationToken)
    {
        if (connection.RefreshTokenCt is null)
        {
            await store.ExpireAsync(connection.Id, connection.RefreshTokenVersion, clock.Now, cancellationToken);
            return NotRenewable;
        }

        if (credentials is null)
        {
            metrics.RefreshFailed();
            return Failed("the provider's configuration cannot be used");
        }

        try
        {
            var result = await _flights.RunAsync(
                connection.Id,
                async ct => await lease.RunAsync(
                    connection.Id,
                    async look => await store.FindByIdAsync(connection.Id, look) is { } now && (!now.IsActive || !IsDue(now)),
                    held => RefreshOwnedAsync(connection.Id, credentials, held),
                    ct),
                metrics.RefreshShared,
                cancellationToken);
            if (result is not null)
            {
                return result;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The lease went to another replica in the middle.
        }

        metrics.RefreshFailed();
        return Failed("the refresh did not end in time");
    }

    private async Task<RefreshResult> RefreshOwnedAsync(string id, OAuthCredentials credentials, CancellationToken cancellationToken)
    {
        // As it is now: whoever held the lease before may have done it already.
        if (await store.FindByIdAsync(id, cancellationToken) is not { IsActive: true } connection)
        {
            return NotRenewable;
        }

        if (!IsDue(connection))
        {
            return new RefreshResult(true);
        }

        if (await circuit.IsOpenAsync(credentials.FailureName, cancellationToken))
        {
            return Failed("the token endpoint is left alone after failures");
        }

        var now = clock.Now;
        if (Open(SealedLocations.ConnectionRefreshToken, connection.RefreshTokenCt) is not { Length: > 0 } refreshToken
            || TokenRequests.ForRefresh(credentials, refreshToken, now) is not { } form)
        {
            metrics.RefreshFailed();
            return Failed("the stored refresh token cannot be used");
        }

        var outcome = await endpoint.AskAsync(credentials.Client, form, cancellationToken);
        await watches.CountAsync(credentials.Watch, outcome, CancellationToken.None);
        if (outcome.Token is { } token)
        {
            // The old refresh token may be spent by now, so neither somebody's leaving nor a lost Redis stops us from keeping the new one.
            var stored = await StoreAsync(connection, token, now);
            await circuit.SucceededAsync(credentials.FailureName, CancellationToken.None);
            return stored;
        }

        metrics.RefreshFailed();
        if (outcome.Error == "invalid_grant")
        {
            // The user or the provider took it back. That is no fault of the endpoint, and asking again changes nothing.
            await store.ExpireAsync(id, connection.RefreshTokenVersion, clock.Now, cancellationToken);
            return NotRenewable;
        }

        await circuit.FailedAsync(credentials.FailureName, cancellationToken);
        return Failed("the token endpoint gave no token");
    }

    private async Task<RefreshResult> StoreAsync(ProviderConnection connection, TokenResponse token, DateTimeOffset now)
    {
        var access = Seal(SealedLocations.ConnectionAccessToken, token.AccessToken);
        var refresh = token.RefreshToken is { } next ? Seal(SealedLocations.ConnectionRefreshToken, next) : null;
        var expiresAt = now.AddSeconds(Math.Min(token.ExpiresIn ?? settings.MaximumGrantSeconds, settings.MaximumGrantSeconds));
        var current = connection;
        for (var i = 0; i < Tries; i++)
        {
            if (await store.ReplaceTokensAsync(current.Id, current.RefreshTokenVersion, access, refresh, expiresAt, clock.Now, CancellationToken.None))
            {
                return new RefreshResult(true);
            }

            // Revoked while we asked: nothing of it may be used. Connected anew: those tokens are the ones to use.
            if (await store.FindByIdAsync(current.Id, CancellationToken.None) is not { IsActive: true } moved)
            {
                return NotRenewable;
            }

            if (!IsDue(moved))
            {
                return new RefreshResult(true);
            }

            current = moved;
        }

        metrics.RefreshFailed();
        return Failed("the connection changed while it was refreshed");
    }

    private static RefreshResult NotRenewable { get; } =
        new(false, StsErrors.ConnectionExpired.Code, "the connection has expired and cannot be refreshed");

    private static RefreshResult Failed(string description) => new(false, StsErrors.CredentialFailed.Code, description);

    private static Refusal RefusalFor(RefreshResult result) =>
        result.Code == StsErrors.ConnectionExpired.Code ? StsErrors.ConnectionExpired : StsErrors.CredentialFailed;

    private byte[] Seal(string location, string token) => Css1Envelope.Seal(settings.Kek, location, Encoding.UTF8.GetBytes(token));

    private string? Open(string location, byte[]? envelope)
    {
        if (envelope is null)
        {
            return null;
        }

        metrics.SecretRead();
        var outcome = Css1Envelope.Open(settings.Kek, location, envelope, out var plaintext);
        using (plaintext)
        {
            if (outcome == Css1Outcome.Opened)
            {
                return Encoding.UTF8.GetString(plaintext!.Span);
            }
        }

        metrics.SecretFailed();
        return null;
    }
}
