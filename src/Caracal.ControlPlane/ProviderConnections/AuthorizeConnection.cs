using System.Text.Json;
using Caracal.Authority.Providers;
using Caracal.ControlPlane.Http;
using Caracal.Keys.Secrets;
using Caracal.Storage;
using Caracal.Storage.Providers;
using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.ControlPlane.ProviderConnections;

/// <summary><c>POST …/provider-connections/oauth/authorize</c>: where a browser has to go for consent.</summary>
internal sealed class AuthorizeConnection(Database database, ISharedState state)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidProviderAuthorize);
        var subject = fields.NullableText("subject_id", 1, 512) ?? ConnectionSeals.Shared;
        var providerId = fields.Text("provider_id", 1, 128);
        if (fields.Problem() is { } problem) return problem;
        var provider = await database.ReadAsync(connection => ProviderStore.FindAsync(connection, call.ZoneId, providerId), call.Cancelled);
        if (provider is null) return ControlPlaneErrors.ProviderNotFound;
        if (provider.ProviderKind != ProviderKinds.AuthorizationCode) return ControlPlaneErrors.ProviderConnectionUnsupported;
        using var config = JsonDocument.Parse(provider.ConfigJson.Value);
        if (ConsentClient.TryRead(config.RootElement) is not { } client) return ControlPlaneErrors.AuthorizationEndpointInvalid;

        var word = SecretMint.RandomText();
        var consent = new PendingConsent(call.ZoneId, subject, providerId, SecretMint.RandomText());
        try
        {
            await state.SetAsync(PendingConsent.KeyOf(word), consent.ToJson(), PendingConsent.Lifetime, call.Cancelled);
        }
        catch (StreamsUnavailableException)
        {
            return ControlPlaneErrors.RedisUnreachable;
        }

        return Answer.Ok(JsonRows.Object(writer =>
        {
            writer.WriteString("authorization_url", client.AuthorizationUrl(word, consent.Verifier));
            writer.WriteString("state", word);
            writer.Time("expires_at", call.Now + PendingConsent.Lifetime);
        }));
    }
}
