using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage.Grants;
using Caracal.Storage.KillSwitch;

namespace Caracal.ControlPlane.Grants;

/// <summary><c>DELETE …/grants/{id}</c>: revokes the grant and every live record of its user in the zone (api.md 11.1).</summary>
internal sealed class RevokeGrant(Changes changes)
{
    private const string Reason = "grant_revoked";

    public Task<Answer> HandleAsync(ApiCall call) => changes.ApplyAsync(call, async work =>
    {
        if (await GrantStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } grant) return ControlPlaneErrors.GrantNotFound;
        await GrantStore.RevokeAsync(work, call.ZoneId, grant.Id, call.Caller.Actor, call.Now);
        var records = await KillSwitchStore.RecordsOfSubjectAsync(work, call.ZoneId, grant.UserId);
        foreach (var record in await KillSwitchStore.RevokeRecordsAsync(work, call.ZoneId, records, Reason, call.Now))
        {
            await changes.AnnounceAsync(
                work,
                call.RequestId,
                Topics.SessionsRevoke,
                ("zone_id", call.ZoneId),
                ("session_id", record),
                ("reason", Reason),
                ("grant_id", grant.Id));
        }

        return Answer.NoContent;
    });
}
