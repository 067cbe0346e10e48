using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.PolicySets;

namespace Caracal.ControlPlane.PolicySets;

/// <summary>
/// <c>POST …/policy-sets/{id}/rollback</c>: activates an earlier version of the active set in one call; the one before the
/// active one when none is named.
/// </summary>
internal sealed class RollbackPolicySet(Database database, ActivatePolicySet activate)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidBody);
        var versionId = fields.OptionalText("version_id", 1, 128);
        if (fields.Problem() is { } problem) return problem;
        var (set, active, wanted) = await database.ReadSnapshotAsync(
            async connection =>
            {
                var found = await PolicySetStore.FindAsync(connection, call.ZoneId, call.Id);
                var current = found?.ActiveVersionId is { } id ? await PolicySetStore.FindVersionAsync(connection, call.Id, id) : null;
                var target = current is null ? null
                    : versionId is null ? await PolicySetStore.FindBeforeAsync(connection, call.Id, current.Version)
                    : await PolicySetStore.FindVersionAsync(connection, call.Id, versionId);
                return (found, current, target);
            },
            call.Cancelled);
        if (set is null) return ControlPlaneErrors.PolicySetNotFound;
        if (active is null) return ControlPlaneErrors.ActivePolicySetVersionNotFound;
        if (wanted is null) return versionId is null ? ControlPlaneErrors.NoEarlierVersion : ControlPlaneErrors.VersionNotFound;
        return wanted.Version >= active.Version
            ? ControlPlaneErrors.RollbackNotEarlier
            : await activate.ActivateAsync(call, wanted.Id, instead: active);
    }
}
