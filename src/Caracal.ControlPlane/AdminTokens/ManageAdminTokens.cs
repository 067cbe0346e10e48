using Caracal.Authority.AdminAccess;
using Caracal.Protocol;

namespace Caracal.ControlPlane.AdminTokens;

/// <summary>Who may manage admin tokens: a global caller that is not a console token (api.md 11.9).</summary>
internal static class ManageAdminTokens
{
    public static Refusal? Check(AdminCaller caller) =>
        !caller.IsGlobal ? ControlPlaneErrors.TokenManagementRequiresGlobal
        : caller.IsDerived ? ControlPlaneErrors.TokenManagementForbiddenForDerived
        : null;
}
