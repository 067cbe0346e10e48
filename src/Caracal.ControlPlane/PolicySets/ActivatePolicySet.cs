using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage.Policies;
using Caracal.Storage.PolicySets;

namespace Caracal.ControlPlane.PolicySets;

/// <summary><c>POST …/policy-sets/{id}/activate</c>: one active version per zone, announced with its commit.</summary>
internal sealed class ActivatePolicySet(Changes changes, CompileProof proof, ControlPlaneSettings settings)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidBody);
        var versionId = fields.Text("version_id", 1, 128);
        return fields.Problem() ?? await ActivateAsync(call, versionId);
    }

    /// <summary>Activates a version of the call's set; <paramref name="instead"/> must still be the active one, and is named in the answer.</summary>
    public async Task<Answer> ActivateAsync(ApiCall call, string versionId, PolicySetVersionRow? instead = null)
    {
        var (set, version) = await changes.Database.ReadSnapshotAsync(
            async connection => (
                await PolicySetStore.FindAsync(connection, call.ZoneId, call.Id),
                await PolicySetStore.FindVersionAsync(connection, call.Id, versionId)),
            call.Cancelled);
        if (set is null || version is null) return ControlPlaneErrors.VersionNotFound;

        var ids = PolicyBundle.IdsOf(version.ManifestJson);
        var bundle = await changes.Database.ReadAsync(connection => PolicyBundle.LoadAsync(connection, changes.Database.Dialect, call.ZoneId, ids, settings.CustomRego), call.Cancelled);
        if (bundle.Refusal is not null) return bundle.Refusal;
        if (await proof.CheckAsync(set.Id, version.Id, version.ManifestSha256, bundle.Policies, needed: false, call.Cancelled) is { } refused) return refused;

        return await changes.ApplyAsync(call, async work =>
        {
            await work.LockAsync(call.ZoneId);
            if (await PolicySetStore.FindAsync(work.Connection, call.ZoneId, set.Id) is not { } current) return ControlPlaneErrors.VersionNotFound;

            // Somebody activated another version meanwhile: what "earlier" meant is no longer true.
            if (instead is not null && current.ActiveVersionId != instead.Id) return ControlPlaneErrors.ActivePolicySetVersionNotFound;
            if ((await PolicyStore.FindVersionsAsync(work.Connection, work.Dialect, ids)).Count != ids.Count) return ControlPlaneErrors.ReferencedPolicyVersionMissing;
            if (!await PolicySetStore.ActivateAsync(work, call.ZoneId, set.Id, version.Id, call.Now)) return ControlPlaneErrors.PolicySetBindingNotFound;
            var outboxId = await changes.AnnounceAsync(
                work,
                call.RequestId,
                Topics.PolicyInvalidate,
                ("zone_id", call.ZoneId),
                ("policy_set_id", set.Id),
                ("policy_set_version_id", version.Id));
            return Answer.Accepted(JsonRows.Object(writer =>
            {
                writer.WriteBoolean("activated", true);
                writer.WriteString("version_id", version.Id);
                if (instead is not null) writer.WriteString("rolled_back_from", instead.Id);
                writer.WriteString("outbox_id", outboxId);
                writer.WriteString(
                    "status_url",
                    $"/v1/zones/{call.ZoneId}/policy-sets/{set.Id}/activation-status?version_id={version.Id}&outbox_id={outboxId}");
            }));
        });
    }
}
