using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage.SubjectIssuers;

namespace Caracal.ControlPlane.SubjectIssuers;

/// <summary><c>DELETE …/subject-issuers/{id}</c>.</summary>
internal sealed class ArchiveSubjectIssuer(Changes changes)
{
    public Task<Answer> HandleAsync(ApiCall call) => changes.ApplyAsync(call, async work =>
        await SubjectIssuerStore.ArchiveAsync(work, call.ZoneId, call.Id, call.Caller.Actor, call.Now)
            ? Answer.NoContent
            : ControlPlaneErrors.SubjectIssuerNotFound);
}
