using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage.SubjectIssuers;

namespace Caracal.ControlPlane.SubjectIssuers;

/// <summary><c>PATCH …/subject-issuers/{id}</c>: the issuer itself stays.</summary>
internal sealed class UpdateSubjectIssuer(Changes changes)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidSubjectIssuer);
        var jwksUrl = SubjectIssuerFields.HttpsUrl(fields, "jwks_url");
        var audience = fields.OptionalText("audience", 1, 512);
        if (fields.Problem() is { } problem) return problem;
        if (jwksUrl is null && audience is null) return ControlPlaneErrors.NoFields;
        return await changes.ApplyAsync(call, async work =>
        {
            if (await SubjectIssuerStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } row) return ControlPlaneErrors.SubjectIssuerNotFound;
            var changed = row with
            {
                JwksUrl = jwksUrl ?? row.JwksUrl,
                Audience = audience ?? row.Audience,
                UpdatedBy = call.Caller.Actor,
                UpdatedAt = call.Now,
            };
            await SubjectIssuerStore.UpdateAsync(work, changed);
            return Answer.Ok(JsonRows.Object(writer => SubjectIssuerFields.Write(writer, changed)));
        });
    }
}
