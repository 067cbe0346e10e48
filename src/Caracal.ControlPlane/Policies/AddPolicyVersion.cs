using Caracal.Authority.AdminAccess;
using Caracal.Authority.Policies;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Policies;

namespace Caracal.ControlPlane.Policies;

/// <summary><c>POST …/policies/{id}/versions</c>.</summary>
internal sealed class AddPolicyVersion(Changes changes, ControlPlaneSettings settings)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidBody);
        var content = fields.Text("content", 1, int.MaxValue);
        if (fields.Problem() is { } problem) return problem;
        if (PolicyContent.Validate(content, settings.CustomRego).Code is { } code) return ControlPlaneErrors.InvalidRego.With(code);

        return await changes.ApplyAsync(call, async work =>
        {
            if (await PolicyStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } policy) return ControlPlaneErrors.PolicyNotFound;
            if (!call.MayUse(ReservedNames.IsReservedName(policy.Name))) return ControlPlaneErrors.ReservedNamespace;
            var version = await PolicyVersions.AddAsync(work, call, policy.Id, content);
            await PolicyStore.TouchAsync(work, policy.Id, call.Caller.Actor, call.Now);
            return Answer.Created(version.Id, JsonRows.Object(writer =>
            {
                writer.WriteString("version_id", version.Id);
                writer.WriteString("id", version.Id);
                writer.WriteString("policy_id", policy.Id);
                writer.WriteNumber("version", version.Version);
                writer.WriteString("content_sha256", version.ContentSha256);
                writer.WriteString("schema_version", version.SchemaVersion);
                writer.Time("created_at", version.CreatedAt);
            }));
        });
    }
}
