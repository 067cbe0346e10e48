using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage.SubjectIssuers;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.SubjectIssuers;

/// <summary><c>POST …/subject-issuers</c>.</summary>
internal sealed class CreateSubjectIssuer(Changes changes)
{
    private const int MostPerZone = 20;

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidSubjectIssuer);
        foreach (var name in (ReadOnlySpan<string>)["issuer", "jwks_url"])
        {
            if (!fields.Has(name)) fields.Note(name, "is required");
        }

        var issuer = SubjectIssuerFields.HttpsUrl(fields, "issuer");
        var jwksUrl = SubjectIssuerFields.HttpsUrl(fields, "jwks_url");
        var audience = fields.Text("audience", 1, 512);
        if (fields.Problem() is { } problem) return problem;
        return await changes.ApplyAsync(
            call,
            async work =>
            {
                await work.LockAsync($"subject_issuers:{call.ZoneId}");
                if (!await ZoneStore.ExistsAsync(work.Connection, call.ZoneId)) return ControlPlaneErrors.ZoneNotFound;
                if (await SubjectIssuerStore.CountAsync(work.Connection, call.ZoneId) >= MostPerZone) return ControlPlaneErrors.SubjectIssuerLimitReached;
                var row = new SubjectIssuerRow
                {
                    Id = Ids.New(),
                    ZoneId = call.ZoneId,
                    Issuer = issuer!,
                    JwksUrl = jwksUrl!,
                    Audience = audience,
                    CreatedBy = call.Caller.Actor,
                    CreatedAt = call.Now,
                    UpdatedAt = call.Now,
                };
                await SubjectIssuerStore.InsertAsync(work, row);
                return Answer.Created(row.Id, JsonRows.Object(writer => SubjectIssuerFields.Write(writer, row)));
            },
            ControlPlaneErrors.SubjectIssuerExists);
    }
}
