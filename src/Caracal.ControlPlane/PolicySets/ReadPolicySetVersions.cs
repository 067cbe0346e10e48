using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Lists;
using Caracal.Storage.PolicySets;

namespace Caracal.ControlPlane.PolicySets;

/// <summary><c>GET …/policy-sets/{id}/versions</c> and one version with its manifest.</summary>
internal sealed class ReadPolicySetVersions(Database database)
{
    public async Task<Answer> ListAsync(ApiCall call)
    {
        var page = call.Page();
        if (page.Problem is not null) return page.Problem;
        var (set, rows) = await database.ReadSnapshotAsync(
            async connection => (
                await PolicySetStore.FindAsync(connection, call.ZoneId, call.Id),
                await PolicySetStore.ListVersionsAsync(connection, call.Id, page.Query)),
            call.Cancelled);
        return set is null
            ? ControlPlaneErrors.PolicySetNotFound
            : Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), PolicySetJson.WriteVersion);
    }

    public async Task<Answer> GetAsync(ApiCall call)
    {
        var (set, version) = await database.ReadSnapshotAsync(
            async connection => (
                await PolicySetStore.FindAsync(connection, call.ZoneId, call.Id),
                await PolicySetStore.FindVersionAsync(connection, call.Id, call.Parameters["versionId"])),
            call.Cancelled);
        if (set is null) return ControlPlaneErrors.PolicySetNotFound;
        if (version is null) return ControlPlaneErrors.PolicySetVersionNotFound;
        return Answer.Ok(JsonRows.Object(writer =>
        {
            PolicySetJson.WriteVersion(writer, version);
            writer.Document("manifest_json", version.ManifestJson);
            writer.Texts("policies", PolicyBundle.IdsOf(version.ManifestJson));
        }));
    }
}
