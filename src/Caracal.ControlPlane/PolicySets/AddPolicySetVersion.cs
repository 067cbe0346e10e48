using Caracal.Authority.Policies;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.PolicySets;

namespace Caracal.ControlPlane.PolicySets;

/// <summary><c>POST …/policy-sets/{id}/versions</c>: a manifest that was proven to compile.</summary>
internal sealed class AddPolicySetVersion(Changes changes, CompileProof proof, ControlPlaneSettings settings)
{
    private const int MostPolicies = 256;

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidBody);
        var members = fields.Objects("manifest", 1, MostPolicies, strict: false);
        if (members is null && !fields.Has("manifest")) fields.Note("manifest", "is required");
        var ids = new List<string>();
        foreach (var member in members ?? [])
        {
            ids.Add(member.Text("policy_version_id", 1, 128));
            fields.Include($"manifest.{ids.Count - 1}", member);
        }

        if (fields.Problem() is { } problem) return problem;
        var (set, bundle) = await changes.Database.ReadSnapshotAsync(
            async connection => (
                await PolicySetStore.FindAsync(connection, call.ZoneId, call.Id),
                await PolicyBundle.LoadAsync(connection, changes.Database.Dialect, call.ZoneId, ids, settings.CustomRego)),
            call.Cancelled);
        if (set is null) return ControlPlaneErrors.PolicySetNotFound;
        if (bundle.Refusal is not null) return bundle.Refusal;

        var manifest = PolicyManifest.ToJson(ids);
        var version = new PolicySetVersionRow
        {
            Id = Ids.New(),
            PolicySetId = set.Id,
            ManifestJson = new JsonText(manifest),
            ManifestSha256 = PolicyManifest.Sha256(manifest),
            SchemaVersion = PolicyContent.SchemaVersion,
            CreatedBy = call.Caller.Actor,
            CreatedAt = call.Now,
        };
        if (await proof.CheckAsync(set.Id, version.Id, version.ManifestSha256, bundle.Policies, needed: true, call.Cancelled) is { } refused) return refused;

        return await changes.ApplyAsync(call, async work =>
        {
            await work.LockAsync(set.Id);
            if (await PolicySetStore.FindAsync(work.Connection, call.ZoneId, set.Id) is null) return ControlPlaneErrors.PolicySetNotFound;
            var row = version with { Version = await PolicySetStore.NextVersionAsync(work, set.Id) };
            await PolicySetStore.InsertVersionAsync(work, row);
            return Answer.Created(row.Id, JsonRows.Object(writer =>
            {
                writer.WriteString("version_id", row.Id);
                writer.WriteString("id", row.Id);
                writer.WriteString("policy_set_id", row.PolicySetId);
                writer.WriteNumber("version", row.Version);
                writer.WriteString("manifest_sha256", row.ManifestSha256);
                writer.WriteString("schema_version", row.SchemaVersion);
                writer.Time("created_at", row.CreatedAt);
            }));
        });
    }
}
