using Caracal.Authority.Providers;
using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.Providers;

/// <summary><c>POST …/providers/{id}/test</c>: tries an OAuth client as it is stored and notes what came of it.</summary>
internal sealed class TestProvider(Changes changes, ProviderSecrets secrets, ProviderCheck check, RateLimits limits)
{
    /// <summary>Trials of a zone a minute, those before a create included.</summary>
    public const int PerMinute = 10;

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var row = await changes.Database.ReadAsync(connection => ProviderStore.FindAsync(connection, call.ZoneId, call.Id), call.Cancelled);
        if (row is null) return ControlPlaneErrors.ProviderNotFound;
        if (!ProviderKinds.IsOAuth(row.ProviderKind)) return ControlPlaneErrors.ProviderCheckUnsupported;
        if (!await limits.AdmitAsync($"rl:providertest:{call.ZoneId}", PerMinute, TimeSpan.FromSeconds(60), call.Cancelled))
        {
            return ControlPlaneErrors.ProviderTestRateLimited with { RetryAfterSeconds = 60 };
        }

        if (await secrets.OpenAsync(call.ZoneId, row.Id) is not { } opened) return ControlPlaneErrors.SecretBackendUnavailable;
        var result = await check.RunAsync(row.ProviderKind, row.ConfigJson.Value, opened, call.Cancelled);
        return await changes.ApplyAsync(call, async work =>
            await ProviderStore.StampAsync(work, call.ZoneId, row.Id, result.IsOk ? null : result.CheckedAt)
                ? Answer.Ok(JsonRows.Object(result.Write))
                : ControlPlaneErrors.ProviderNotFound);
    }
}
