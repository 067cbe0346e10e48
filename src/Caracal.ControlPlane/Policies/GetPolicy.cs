using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Policies;

namespace Caracal.ControlPlane.Policies;

/// <summary><c>GET …/policies/{id}</c>: the policy with its versions, newest first.</summary>
internal sealed class GetPolicy(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var (policy, versions) = await database.ReadSnapshotAsync(
            async connection => (
                await PolicyStore.FindAsync(connection, call.ZoneId, call.Id),
                await PolicyStore.ListVersionsAsync(connection, call.Id)),
            call.Cancelled);
        if (policy is null) return ControlPlaneErrors.PolicyNotFound;
        return Answer.Ok(JsonRows.Object(writer =>
        {
            PolicyJson.Write(writer, policy);
            writer.WriteStartArray("versions");
            foreach (var version in versions) PolicyJson.WriteVersion(writer, version);
            writer.WriteEndArray();
        }));
    }
}
