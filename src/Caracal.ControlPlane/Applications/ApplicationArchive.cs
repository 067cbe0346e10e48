using Caracal.ControlPlane.KillSwitch;
using Caracal.Keys.Sealing;
using Caracal.Storage;
using Caracal.Storage.Applications;
using Caracal.Storage.Custody;
using Caracal.Storage.KillSwitch;

namespace Caracal.ControlPlane.Applications;

/// <summary>The end of an application: its row, its secrets and its live authority, together (README ruling 15).</summary>
internal sealed class ApplicationArchive(EndAuthority endAuthority)
{
    private const string Reason = "application_archived";

    /// <summary>False when there was nothing to archive.</summary>
    public async Task<bool> ArchiveAsync(Work work, string? requestId, string zoneId, string id, string actor, DateTimeOffset now)
    {
        if (!await ApplicationStore.ArchiveAsync(work, zoneId, id, actor, now)) return false;
        await EndAsync(work, requestId, zoneId, id, now);
        return true;
    }

    /// <summary>The same for an application whose row is archived already.</summary>
    public async Task EndAsync(Work work, string? requestId, string zoneId, string id, DateTimeOffset now)
    {
        await CustodyStore.DeleteAsync(work, zoneId, SealedLocations.ApplicationSecret(zoneId, id));
        await CredentialOverlapStore.RetireAllAsync(work, zoneId, Custody.SecretOwner.Application(id));
        await endAuthority.EndAsync(
            work,
            requestId,
            zoneId,
            await KillSwitchStore.RecordsOfApplicationAsync(work, zoneId, id),
            await KillSwitchStore.SessionsOfApplicationAsync(work, zoneId, id),
            Reason,
            now);
    }
}
