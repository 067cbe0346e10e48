using Caracal.Authority.AdminAccess;
using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Keys.Secrets;
using Caracal.Protocol;
using Caracal.Storage.Applications;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Applications;

/// <summary><c>POST …/applications/dcr</c>: a short-lived registration without a copy of its secret.</summary>
internal sealed class RegisterApplication(Changes changes, RateLimits limits)
{
    private const int PerSecond = 10;
    private const int MostLive = 1000;
    private const int LongestSeconds = 3600;

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidApplication);
        var name = fields.Text("name", 1, 200, trim: true);
        var lifetime = fields.Integer("expires_in", 1, LongestSeconds) ?? LongestSeconds;
        if (fields.Problem() is { } problem) return problem;
        if (!call.MayUse(ReservedNames.IsReservedName(name))) return ControlPlaneErrors.ReservedNamespace;
        if (!await limits.AdmitAsync($"rl:dcr:{call.ZoneId}:{call.Caller.TokenId}", PerSecond, TimeSpan.FromSeconds(1), call.Cancelled))
        {
            return ControlPlaneErrors.DcrRateLimitExceeded with { RetryAfterSeconds = 1 };
        }

        var secret = SecretMint.ClientSecret();
        return await changes.ApplyAsync(call, async work =>
        {
            await work.LockAsync($"dcr:{call.ZoneId}");
            if (await ZoneStore.FindAsync(work.Connection, call.ZoneId) is not { } zone) return ControlPlaneErrors.ZoneNotFound;
            if (!zone.DcrEnabled) return ControlPlaneErrors.DcrDisabled;
            if (await ApplicationStore.CountLiveDcrAsync(work.Connection, call.ZoneId, call.Now) >= MostLive) return ControlPlaneErrors.DcrLimitExceeded;
            var row = new ApplicationRow
            {
                Id = Ids.New(),
                ZoneId = call.ZoneId,
                Name = name,
                RegistrationMethod = "dcr",
                ClientSecretHash = SecretHash.Of(secret),
                ExpiresAt = call.Now.AddSeconds(lifetime),
                CreatedBy = call.Caller.Actor,
                CreatedAt = call.Now,
                UpdatedAt = call.Now,
            };
            await ApplicationStore.InsertAsync(work, row);
            return Answer.Created(row.Id, ApplicationJson.WithSecret(row, secret));
        });
    }
}
