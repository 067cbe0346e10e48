using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.Providers;

/// <summary><c>POST …/providers/{id}/test</c>: nothing but an OAuth client can be tried on its own, and those are not brokered here.</summary>
internal sealed class TestProvider(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var row = await database.ReadAsync(connection => ProviderStore.FindAsync(connection, call.ZoneId, call.Id), call.Cancelled);
        return row is null ? ControlPlaneErrors.ProviderNotFound : ControlPlaneErrors.ProviderCheckUnsupported;
    }
}
