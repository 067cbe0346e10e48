using Caracal.Authority.AdminAccess;
using Caracal.Authority.Policies;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage.Policies;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Policies;

/// <summary><c>POST …/policies</c>: the policy and its first version.</summary>
internal sealed class CreatePolicy(Changes changes, ControlPlaneSettings settings)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidBody);
        var name = fields.Text("name", 1, 512);
        var description = fields.NullableText("description", 0, 4096);
        var content = fields.Text("content", 1, int.MaxValue);
        if (fields.Problem() is { } problem) return problem;
        if (PolicyContent.Validate(content, settings.CustomRego).Code is { } code) return ControlPlaneErrors.InvalidRego.With(code);
        if (!call.MayUse(ReservedNames.IsReservedName(name))) return ControlPlaneErrors.ReservedNamespace;

        return await changes.ApplyAsync(
            call,
            async work =>
            {
                if (!await ZoneStore.ExistsAsync(work.Connection, call.ZoneId)) return ControlPlaneErrors.ZoneNotFound;
                var policy = new PolicyRow
                {
                    Id = Ids.New(),
                    ZoneId = call.ZoneId,
                    Name = name,
                    Description = description,
                    CreatedBy = call.Caller.Actor,
                    CreatedAt = call.Now,
                    UpdatedAt = call.Now,
                };
                await PolicyStore.InsertAsync(work, policy);
                var version = await PolicyVersions.AddAsync(work, call, policy.Id, content);
                return Answer.Created(policy.Id, JsonRows.Object(writer =>
                {
                    writer.WriteString("id", policy.Id);
                    writer.WriteString("version_id", version.Id);
                    writer.WriteString("zone_id", policy.ZoneId);
                    writer.WriteString("name", policy.Name);
                    writer.WriteString("description", policy.Description);
                    writer.WriteStartObject("version");
                    writer.WriteString("id", version.Id);
                    writer.WriteString("policy_id", policy.Id);
                    writer.WriteNumber("version", version.Version);
                    writer.WriteString("content_sha256", version.ContentSha256);
                    writer.WriteString("schema_version", version.SchemaVersion);
                    writer.Time("created_at", version.CreatedAt);
                    writer.WriteEndObject();
                }));
            },
            ControlPlaneErrors.PolicyNameConflict);
    }
}
