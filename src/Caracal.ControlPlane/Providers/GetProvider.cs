using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.Providers;

/// <summary><c>GET …/providers/{id}</c>.</summary>
internal sealed class GetProvider(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var row = await database.ReadAsync(connection => ProviderStore.FindAsync(connection, call.ZoneId, call.Id), call.Cancelled);
        return row is null ? ControlPlaneErrors.ProviderNotFound : Answer.Ok(ProviderJson.Of(row));
    }
}
