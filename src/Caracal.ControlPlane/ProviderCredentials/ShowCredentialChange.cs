using Caracal.Authority.ProviderCredentials;
using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.ProviderCredentials;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.ProviderCredentials;

/// <summary><c>GET …/providers/{id}/credential</c>: how far the second credential is, or how the last one ended.</summary>
internal sealed class ShowCredentialChange(Database database, CredentialCounts counts)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var (provider, change) = await database.ReadAsync(
            async connection => (
                await ProviderStore.FindAsync(connection, call.ZoneId, call.Id),
                await CredentialChangeStore.FindLatestAsync(connection, call.ZoneId, call.Id)),
            call.Cancelled);
        if (provider is null) return ControlPlaneErrors.ProviderNotFound;
        if (change?.State == CredentialChangeRules.Shifted) change = await counts.OfAsync(change, call.Cancelled);
        return Answer.Ok(CredentialJson.Of(change));
    }
}
