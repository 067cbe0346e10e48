using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Providers;
using Caracal.Storage.Resources;

namespace Caracal.ControlPlane.Resources;

/// <summary><c>POST …/resources/{id}/test</c>: whether the upstream refuses a mandate it must not believe.</summary>
internal sealed class TestResource(Database database, ControlResource control, ResourceCheck check, RateLimits limits)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var (row, provider) = await database.ReadSnapshotAsync(
            async connection =>
            {
                var found = await ResourceStore.FindAsync(connection, call.ZoneId, call.Id);
                return (found, found?.CredentialProviderId is { } id ? await ProviderStore.FindAsync(connection, call.ZoneId, id) : null);
            },
            call.Cancelled);
        if (row is null || (control.Is(row.Identifier) && !call.Caller.IsGlobal)) return ControlPlaneErrors.ResourceNotFound;
        if (!ResourceCheck.Supports(provider, row.UpstreamUrl)) return ControlPlaneErrors.ResourceVerificationUnsupported;
        if (!await limits.AdmitAsync($"rl:resourcetest:{call.ZoneId}", ResourceCheck.PerMinute, TimeSpan.FromSeconds(60), call.Cancelled))
        {
            return ControlPlaneErrors.ResourceTestRateLimited with { RetryAfterSeconds = 60 };
        }

        var result = await check.RunAsync(call.ZoneId, row.Identifier, row.UpstreamUrl!, call.Cancelled);
        return Answer.Ok(JsonRows.Object(result.Write));
    }
}
