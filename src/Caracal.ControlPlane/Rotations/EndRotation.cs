using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Keys.Rotation;
using Caracal.Storage;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.Rotations;

/// <summary><c>POST …/{id}/abort</c> and <c>…/{id}/rollback</c>: the ways back (operations.md 4.3).</summary>
internal sealed class EndRotation(Changes changes, RotationGates gates)
{
    private readonly RotationTrail trail = new(changes);

    public Task<Answer> AbortAsync(ApiCall call) => EndAsync(call, RotationState.Aborted, RotationState.MayAbort);

    public Task<Answer> RollBackAsync(ApiCall call) => EndAsync(call, RotationState.RolledBack, RotationState.MayRollBack);

    private async Task<Answer> EndAsync(ApiCall call, string to, Func<string, bool> may)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidRotationRequest);
        var reason = fields.Text("reason", 10, 500, trim: true);
        if (fields.Problem() is { } problem) return problem;
        return await changes.KeepAsync(call, async work =>
        {
            await work.LockAsync(RotationStore.StepLock);
            if (await RotationStore.FindAsync(work.Connection, call.Id) is not { } rotation) return ControlPlaneErrors.RotationNotFound;
            if (rotation.State == to) return RotationJson.Of(rotation);
            if (!may(rotation.State)) return ControlPlaneErrors.InvalidTransition.With($"{rotation.State} cannot become {to}");
            var judged = await gates.OfAsync(work.Connection, rotation, to, [], null, call.Now);
            if (judged.Any(gate => !gate.Ok)) return RotationJson.NotMet(judged);
            var ended = rotation with { State = to, UpdatedAt = call.Now, EndedAt = call.Now };
            await RotationStore.UpdateAsync(work, ended);
            await RegisterAsync(work, ended, call.Now);
            if (!rotation.Emergency) await RotationStore.ReleaseLockAsync(work);
            await trail.AppendAsync(work, call, ended, new RotationStep(to) { Reason = reason }, call.Now);
            return RotationJson.Of(ended);
        });
    }

    // What the new value signed still verifies after a rollback; after an abort nobody ever signed with it.
    private static async Task RegisterAsync(Work work, RotationRow rotation, DateTimeOffset now)
    {
        if (rotation.State == RotationState.RolledBack && rotation.FromSid is { } from)
        {
            await KeyRegistryStore.ReinstateAsync(work, rotation.Class, rotation.Scope, from);
        }

        await KeyRegistryStore.MoveAsync(
            work, rotation.Class, rotation.Scope, rotation.ToSid, rotation.State == RotationState.RolledBack ? "previous" : "retired", now);
    }
}
