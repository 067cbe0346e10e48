using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.KillSwitch;
using Caracal.Storage;
using Caracal.Storage.Applications;
using Caracal.Storage.KillSwitch;

namespace Caracal.ControlPlane.Zones;

/// <summary>What switching dynamic registration off does to the applications it made (api.md 4).</summary>
internal sealed class DcrShutdown(Changes changes, EndAuthority endAuthority)
{
    public const string KeepLive = "keep_live";
    public const string RevokeLive = "revoke_live";
    private const string Reason = "dcr_shutdown";

    /// <summary>A refusal, or null once the applications are dealt with.</summary>
    public async Task<Answer?> RunAsync(Work work, ApiCall call, bool wasEnabled, string? mode)
    {
        if (!wasEnabled && mode is null) return null;
        var live = await ApplicationStore.ListLiveDcrAsync(work.Connection, call.ZoneId, call.Now);
        if (wasEnabled && live.Count > 0 && mode is null)
        {
            return Answer.Refused(
                ControlPlaneErrors.DcrShutdownRequired, JsonRows.Object(writer => writer.WriteNumber("live_dcr_applications", live.Count)));
        }

        var killed = new KilledAuthority([], [], [], null);
        if (mode == RevokeLive && live.Count > 0) killed = await RevokeAsync(work, call, live);
        await changes.AppendAsync(work, AdminAuditRecords.Summary(
            call,
            $"DCR shutdown {(live.Count == 0 ? "no_live" : mode ?? KeepLive)}",
            "zones",
            call.ZoneId,
            writer =>
            {
                writer.WriteNumber("live_dcr_applications", live.Count);
                writer.WriteNumber("authority_records", killed.Records.Count);
                writer.WriteNumber("sessions", killed.Sessions.Count);
                writer.WriteNumber("delegations", killed.Edges.Count);
            },
            call.Now));
        return null;
    }

    private async Task<KilledAuthority> RevokeAsync(Work work, ApiCall call, IReadOnlyList<string> applications)
    {
        var records = new List<string>();
        var sessions = new List<string>();
        foreach (var application in applications)
        {
            await ApplicationStore.ArchiveAsync(work, call.ZoneId, application, call.Caller.Actor, call.Now);
            records.AddRange(await KillSwitchStore.RecordsOfApplicationAsync(work, call.ZoneId, application));
            sessions.AddRange(await KillSwitchStore.SessionsOfApplicationAsync(work, call.ZoneId, application));
        }

        return await endAuthority.EndAsync(work, call.RequestId, call.ZoneId, records, sessions, Reason, call.Now);
    }
}
