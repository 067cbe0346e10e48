using Caracal.ControlPlane.Http;
using static Caracal.Authority.AdminAccess.AdminNeed;

namespace Caracal.ControlPlane.Rotations;

/// <summary>The routes under <c>/v1/operations/</c> (operations.md 4.9).</summary>
internal static class RotationRoutes
{
    public static IReadOnlyList<Route> All(RouteParts parts)
    {
        const string All = "/v1/operations/rotations";
        const string One = All + "/{id}";
        var keys = new ListKeys(parts.Changes.Database, parts.Settings.RotationSchedule);
        var show = new ShowRotations(parts.Changes.Database);
        var steps = parts.Rotations;
        return
        [
            new("GET", "/v1/operations/keys", Look, keys.HandleAsync),
            new("GET", "/v1/operations/instances", Look, keys.InstancesAsync),
            new("GET", All, Look, show.ListAsync),
            new("POST", All, Change, steps.Prepare.HandleAsync),
            new("GET", One, Look, show.GetAsync),
            new("GET", One + "/evidence", Look, show.EvidenceAsync),
            new("POST", One + "/advance", Change, steps.Advance.HandleAsync),
            new("POST", One + "/verify", Change, steps.Verify.HandleAsync),
            new("POST", One + "/rollback", Change, steps.End.RollBackAsync),
            new("POST", One + "/abort", Change, steps.End.AbortAsync),
        ];
    }
}
