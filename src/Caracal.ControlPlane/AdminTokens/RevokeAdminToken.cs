using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage.AdminTokens;

namespace Caracal.ControlPlane.AdminTokens;

/// <summary><c>DELETE /v1/admin-tokens/{id}</c>: felt at once here, within five seconds elsewhere.</summary>
internal sealed class RevokeAdminToken(Changes changes, AdminAuthentication authentication)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        if (ManageAdminTokens.Check(call.Caller) is { } refused) return refused;
        return await changes.ApplyAsync(call, async work =>
        {
            if (!await AdminTokenStore.RevokeAsync(work, call.Id, call.Now)) return ControlPlaneErrors.AdminTokenNotFound;
            work.OnCommitted(authentication.Forget);
            return Answer.NoContent;
        });
    }
}
