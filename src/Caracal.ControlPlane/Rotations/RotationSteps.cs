using Caracal.ControlPlane.AdminAudit;
using Caracal.Storage;

namespace Caracal.ControlPlane.Rotations;

/// <summary>The steps of a rotation: an operator reaches them by routes, the schedule directly, and they are the same.</summary>
internal sealed record RotationSteps(PrepareRotation Prepare, AdvanceRotation Advance, VerifyRotation Verify, EndRotation End)
{
    public static RotationSteps Of(Changes changes, ControlPlaneSettings settings, DatabaseClock clock, InstanceProbes probes)
    {
        var gates = new RotationGates(settings, changes.Database.Dialect);
        var verification = new RotationVerification(changes, settings, clock, probes);
        return new RotationSteps(
            new PrepareRotation(changes, settings, probes), new AdvanceRotation(changes, gates, verification, new DrainChecks(changes.Database, clock, probes)), new VerifyRotation(changes, verification),
            new EndRotation(changes, gates));
    }
}
