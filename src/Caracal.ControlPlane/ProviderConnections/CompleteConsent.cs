using System.Text.Json;
using Caracal.Authority.Providers;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.Outbound;
using Caracal.ControlPlane.Providers;
using Caracal.Egress.Providers;
using Caracal.Protocol;
using Caracal.Storage.ProviderConnections;
using Caracal.Storage.Providers;
using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.ControlPlane.ProviderConnections;

/// <summary>
/// <c>GET …/provider-connections/oauth/callback</c>: where the browser comes back. Nobody's token is asked for; the state,
/// which works once, says whose consent this is.
/// </summary>
internal sealed class CompleteConsent(Changes changes, ISharedState state, ProviderSecrets secrets, ConnectionSeals seals, OutboundHttp http)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var answer = await CompleteAsync(call);
        return ConsentPage.IsWanted(call.Context.Request) ? ConsentPage.Of(answer) : answer;
    }

    private async Task<Answer> CompleteAsync(ApiCall call)
    {
        var word = call.Query.Text("state", 256);
        var code = call.Query.Text("code", 4096);
        var error = call.Query.Text("error", 256);
        call.Query.Text("error_description", 4096);
        if (call.Query.Problem is not null || word is null || word.Length < 32) return ControlPlaneErrors.InvalidOAuthCallback;
        string? kept;
        try
        {
            kept = await state.TakeAsync(PendingConsent.KeyOf(word), call.Cancelled);
        }
        catch (StreamsUnavailableException)
        {
            return ControlPlaneErrors.RedisUnreachable;
        }

        if (kept is null) return ControlPlaneErrors.OAuthStateExpired;
        if (PendingConsent.TryRead(kept) is not { } consent) return ControlPlaneErrors.OAuthStateInvalid;
        if (consent.ZoneId != call.ZoneId) return ControlPlaneErrors.OAuthStateMismatch;
        if (error is not null)
        {
            return ControlPlaneErrors.ProviderOAuthDenied.With(ConnectivityRules.IsErrorCode(error) ? error : "the provider refused");
        }

        return code is null ? ControlPlaneErrors.AuthorizationCodeRequired : await ExchangeAsync(call, consent, code);
    }

    private async Task<Answer> ExchangeAsync(ApiCall call, PendingConsent consent, string code)
    {
        var provider = await changes.Database.ReadAsync(
            connection => ProviderStore.FindAsync(connection, call.ZoneId, consent.ProviderId), call.Cancelled);
        if (provider is null) return ControlPlaneErrors.ProviderNotFound;
        if (provider.ProviderKind != ProviderKinds.AuthorizationCode) return ControlPlaneErrors.ProviderConnectionUnsupported;
        if (await secrets.OpenAsync(call.ZoneId, provider.Id) is not { } opened) return ControlPlaneErrors.SecretBackendUnavailable;
        var (credentials, redirectUri, refused) = ClientOf(provider, opened);
        if (refused is not null) return refused;

        if (TokenRequests.ForCode(credentials!, code, redirectUri, consent.Verifier, call.Now) is not { } form) return ControlPlaneErrors.InvalidProviderConfig;
        using var request = TokenCall.Of(credentials!.Client.TokenEndpoint, form);
        if (await http.AskAsync(request, call.Cancelled) is not { } answer) return ControlPlaneErrors.TokenExchangeFailed.With("the token endpoint did not answer");
        if (answer.Status != 200 || TokenResponse.ReadError(answer.Body) is not null)
        {
            var reason = TokenResponse.ReadError(answer.Body);
            return ControlPlaneErrors.TokenExchangeFailed.With(ConnectivityRules.IsErrorCode(reason) ? reason! : $"the token endpoint answered {answer.Status}");
        }

        if (TokenResponse.TryRead(answer.Body, anyType: true) is not { } token) return ControlPlaneErrors.TokenResponseInvalid;
        if (TokenResponse.TryRead(answer.Body, credentials.Client.HasOwnScheme) is null) return ControlPlaneErrors.TokenTypeUnsupported;
        return await StoreAsync(call, consent, token);
    }

    private Task<Answer> StoreAsync(ApiCall call, PendingConsent consent, TokenResponse token)
    {
        DateTimeOffset? expiresAt = token.ExpiresIn is { } seconds ? call.Now.AddSeconds(seconds) : null;
        var made = seals.Seal(call.ZoneId, consent.SubjectId, consent.ProviderId, token.AccessToken, token.RefreshToken, expiresAt, call.Now);
        return changes.ApplyAsync(call, async work =>
        {
            // Archived while the user was away: nothing of it may be kept.
            if (await ProviderStore.FindAsync(work.Connection, call.ZoneId, consent.ProviderId) is null) return ControlPlaneErrors.ProviderNotFound;
            var row = await ConnectionDirectory.PutAsync(work, made);
            return Answer.Created(row.Id, ConnectionJson.Of(row));
        });
    }

    private static (OAuthCredentials? Credentials, string RedirectUri, Refusal? Refused) ClientOf(
        ProviderRow provider, IReadOnlyDictionary<string, string> secrets)
    {
        using var config = JsonDocument.Parse(provider.ConfigJson.Value);
        if (ConsentClient.TryRead(config.RootElement) is not { } consent) return (null, "", ControlPlaneErrors.InvalidProviderConfig);
        if (OAuthClient.TryRead(provider.ProviderKind, config.RootElement) is not { } client) return (null, "", ControlPlaneErrors.TokenEndpointNotAllowed);
        return OAuthCredentials.TryCreate(client, provider.ProviderKind, provider.ConfigJson.Value, secrets) is { } credentials
            ? (credentials, consent.RedirectUri, null)
            : (null, "", ControlPlaneErrors.InvalidProviderConfig);
    }
}
