using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Protocol.PolicyRuntime;
using Caracal.Storage;
using Caracal.Storage.PolicySets;

namespace Caracal.ControlPlane.PolicySets;

/// <summary><c>GET …/policy-sets/{id}/activation-status</c>: how far an activation has travelled.</summary>
internal sealed class GetActivationStatus(Database database, IPolicyRuntime? runtime)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var versionId = call.Query.Text("version_id", 128);
        var outboxId = call.Query.Text("outbox_id", 128);
        if (call.Query.Problem is { } problem) return ControlPlaneErrors.InvalidBody.With(problem.Description);
        var found = await database.ReadSnapshotAsync(
            async connection =>
            {
                var set = await PolicySetStore.FindAsync(connection, call.ZoneId, call.Id);
                var binding = set is null ? null : await PolicySetStore.FindBindingAsync(connection, call.ZoneId, set.Id);
                var wanted = versionId ?? binding?.ActiveVersionId;
                var version = set is null || wanted is null ? null : await PolicySetStore.FindVersionAsync(connection, set.Id, wanted);
                var announcement = version is null ? null
                    : outboxId is not null ? await ActivationEventStore.FindAsync(connection, database.Dialect, outboxId)
                    : await ActivationEventStore.FindNewestAsync(connection, database.Dialect, Topics.PolicyInvalidate, call.ZoneId, set!.Id, version.Id);
                return (Set: set, Binding: binding, Version: version, Announcement: announcement);
            },
            call.Cancelled);
        if (found.Set is null) return ControlPlaneErrors.PolicySetNotFound;
        if (found.Binding is null) return ControlPlaneErrors.PolicySetBindingNotFound;
        if (found.Version is null) return versionId is null ? ControlPlaneErrors.ActivePolicySetVersionNotFound : ControlPlaneErrors.PolicySetVersionNotFound;

        var active = found.Binding.ActiveVersionId == found.Version.Id;
        var outbox = OutboxState(found.Announcement, call.ZoneId, found.Set.Id, found.Version.Id);
        var sts = runtime is null ? null : await runtime.StatusAsync(call.ZoneId, call.Cancelled);
        return Answer.Ok(JsonRows.Object(writer =>
        {
            writer.WriteString("zone_id", call.ZoneId);
            writer.WriteString("policy_set_id", found.Set.Id);
            writer.WriteString("version_id", found.Version.Id);
            writer.WriteBoolean("active", active);
            writer.WriteString("active_version_id", found.Binding.ActiveVersionId);
            writer.WriteString("manifest_sha256", found.Version.ManifestSha256);
            writer.WriteString("propagation_status", Propagation(active, outbox, sts, found.Version.Id));
            WriteOutbox(writer, outboxId, outbox, found.Announcement);
            WriteSts(writer, sts);
        }));
    }

    private static string OutboxState(ActivationEventRow? row, string zoneId, string policySetId, string versionId) =>
        row is null ? "missing"
        : row.StreamName != Topics.PolicyInvalidate || row.ZoneId != zoneId || row.PolicySetId != policySetId || row.PolicySetVersionId != versionId ? "mismatch"
        : row.DispatchedAt is not null ? "dispatched"
        : row.IsDead ? "dead"
        : "pending";

    private static string Propagation(bool active, string outbox, PolicyStatusOutcome? sts, string versionId) =>
        !active ? "waiting_for_activation"
        : outbox is "dead" or "mismatch" ? "failed"
        : outbox != "dispatched" ? "waiting_for_outbox"
        : sts?.Status?.PolicySetVersionId == versionId ? "loaded"
        : sts?.Verdict == StatusVerdict.Failed ? "failed"
        : "waiting_for_sts";

    private static void WriteOutbox(Utf8JsonWriter writer, string? askedFor, string state, ActivationEventRow? row)
    {
        // A row that announces something else is nobody's business here.
        var shown = state == "mismatch" ? null : row;
        writer.WriteStartObject("outbox");
        writer.WriteString("id", row?.Id ?? askedFor);
        writer.WriteString("state", state);
        writer.Number("attempts", shown?.Attempts);
        writer.WriteString("last_error", shown?.LastError);
        writer.Time("dispatched_at", shown?.DispatchedAt);
        writer.WriteEndObject();
    }

    private static void WriteSts(Utf8JsonWriter writer, PolicyStatusOutcome? sts)
    {
        writer.WriteStartObject("sts");
        writer.WriteString("state", sts switch
        {
            null => "not_configured",
            { Verdict: StatusVerdict.Known, Status.Loaded: true } => "loaded",
            { Verdict: StatusVerdict.Known } => "not_loaded",
            { Verdict: StatusVerdict.Failed } => "failed",
            _ => "unreachable",
        });
        if (sts?.Status is { } status)
        {
            writer.WriteBoolean("loaded", status.Loaded);
            if (status.PolicySetVersionId is not null) writer.WriteString("policy_set_version_id", status.PolicySetVersionId);
            if (status.ManifestSha256 is not null) writer.WriteString("manifest_sha256", status.ManifestSha256);
            if (status.LoadedAt is not null) writer.Time("loaded_at", status.LoadedAt);
            if (status.AgeSeconds is { } age) writer.WriteNumber("age_seconds", age);
        }

        if (sts?.Detail is { } detail) writer.WriteString("detail", detail);
        writer.WriteEndObject();
    }
}
