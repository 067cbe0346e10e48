using Caracal.Authority.Policies;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.PolicySets;

namespace Caracal.ControlPlane.PolicySets;

/// <summary>The version a path names by <c>{id}</c> and <c>{versionId}</c>, compiled as an activation would compile it.</summary>
internal sealed record Candidate(PolicySetVersionRow Version, CompiledSet Compiled)
{
    /// <summary>The candidate, or why there is none.</summary>
    public static async Task<(Candidate? Found, Refusal? Refusal)> FindAsync(Database database, ApiCall call, bool customRego)
    {
        var (set, version) = await database.ReadSnapshotAsync(
            async connection => (
                await PolicySetStore.FindAsync(connection, call.ZoneId, call.Id),
                await PolicySetStore.FindVersionAsync(connection, call.Id, call.Parameters["versionId"])),
            call.Cancelled);
        if (set is null) return (null, ControlPlaneErrors.PolicySetNotFound);
        if (version is null) return (null, ControlPlaneErrors.PolicySetVersionNotFound);
        var ids = PolicyBundle.IdsOf(version.ManifestJson);
        var bundle = await database.ReadAsync(
            connection => PolicyBundle.LoadAsync(connection, database.Dialect, call.ZoneId, ids, customRego), call.Cancelled);
        if (bundle.Refusal is not null) return (null, bundle.Refusal);
        var compiled = PolicyCompiler.Compile([.. bundle.Policies.Select(policy => (policy.Id, policy.Content))], customRego);
        return compiled.Result is null
            ? (null, ControlPlaneErrors.InvalidPolicyBundle.With(compiled.InvalidDocument ?? compiled.Error ?? ""))
            : (new Candidate(version, compiled), null);
    }
}
