using System.Text.Json;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.KillSwitch;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.KillSwitch;

/// <summary>
/// <c>POST …/kill-switch</c>: ends what one subject, application, session, delegation or authority record holds, or everything a filter
/// describes, in one transaction. A dry run does the same and takes it back, so its numbers are those of the real one.
/// </summary>
internal sealed class UseKillSwitch(Changes changes, EndAuthority endAuthority)
{
    private const string DefaultReason = "kill_switch";
    private const int Examples = 20;

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidKill);
        var target = new KillTarget(fields);
        var given = fields.NullableText("reason", 0, 512);
        var dryRun = fields.Flag("dry_run") ?? false;
        if (fields.Problem() is { } problem) return problem;
        var reason = string.IsNullOrWhiteSpace(given) ? DefaultReason : given;
        return dryRun ? await TryAsync(call, target, reason) : await EndAsync(call, target, reason);
    }

    private Task<Answer> TryAsync(ApiCall call, KillTarget target, string reason) => changes.Database.WriteAsync(
        async work =>
        {
            work.Discard();
            if (!await ZoneStore.ExistsAsync(work.Connection, call.ZoneId)) return ControlPlaneErrors.ZoneNotFound;
            var (roots, refusal) = await target.FindAsync(work, call.ZoneId);
            if (refusal is not null) return refusal;
            var killed = await KillSwitchStore.EndAsync(work, call.ZoneId, roots!, reason, call.Now);
            var connections = await RevokeConnectionsAsync(work, call, target);
            return Answer.Ok(Report(killed, connections, reason, dryRun: true));
        },
        call.Cancelled);

    private Task<Answer> EndAsync(ApiCall call, KillTarget target, string reason) => changes.ApplyAsync(call, async work =>
    {
        if (!await ZoneStore.ExistsAsync(work.Connection, call.ZoneId)) return ControlPlaneErrors.ZoneNotFound;
        var (roots, refusal) = await target.FindAsync(work, call.ZoneId);
        if (refusal is not null) return refusal;
        var killed = await endAuthority.EndAsync(work, call.RequestId, call.ZoneId, roots!, reason, call.Now);
        var connections = await RevokeConnectionsAsync(work, call, target);
        var (type, id) = target.Entity;
        await changes.AppendAsync(
            work, AdminAuditRecords.Summary(call, "kill switch", type, id, writer => WriteCounts(writer, killed, connections), call.Now));
        return Answer.Ok(Report(killed, connections, reason, dryRun: false));
    });

    private static Task<int> RevokeConnectionsAsync(Work work, ApiCall call, KillTarget target) =>
        target.Subject is { } subject ? KillSwitchStore.RevokeConnectionsAsync(work, call.ZoneId, subject, call.Now) : Task.FromResult(0);

    private static Action<Utf8JsonWriter> Report(KilledAuthority killed, int connections, string reason, bool dryRun) => JsonRows.Object(writer =>
    {
        writer.WriteBoolean("dry_run", dryRun);
        writer.WriteString("reason", reason);
        WriteCounts(writer, killed, connections);
        writer.WriteStartObject("examples");
        writer.Texts("authority_records", killed.Records.Take(Examples));
        writer.Texts("sessions", killed.Sessions.Take(Examples).Select(session => session.Id));
        writer.Texts("delegations", killed.Edges.Take(Examples));
        writer.WriteEndObject();
    });

    private static void WriteCounts(Utf8JsonWriter writer, KilledAuthority killed, int connections)
    {
        writer.WriteNumber("authority_records", killed.Records.Count);
        writer.WriteNumber("sessions", killed.Sessions.Count);
        writer.WriteNumber("delegations", killed.Edges.Count);
        writer.WriteNumber("connections", connections);
    }
}
