using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Keys.Rotation;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.Rotations;

/// <summary><c>POST …/{id}/advance</c>: one step further when its gates are met; said again, a finished step is finished (operations.md 4.3).</summary>
internal sealed class AdvanceRotation(Changes changes, RotationGates gates, RotationVerification verification, DrainChecks drains)
{
    private const string Drained = "drained";

    private readonly RotationTrail trail = new(changes);

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidRotationRequest);
        var to = fields.OneOf("to", RotationState.Deployed, RotationState.Rolled, RotationState.Verified, RotationState.Retired);
        var backup = fields.OptionalText("backup_taken_at", 1, 40);
        if (to is null && !fields.Has("to")) fields.Note("to", "is required");
        if (fields.Problem() is { } problem) return problem;

        // Checks talk to services and take their time, so they run before the step begins.
        var found = await changes.Database.ReadAsync(connection => RotationStore.FindAsync(connection, call.Id), call.Cancelled);
        IReadOnlyList<RotationCheck> checks = to == RotationState.Verified && found?.State == RotationState.Rolled
            ? await verification.RunAsync(found, call.Cancelled)
            : [];
        var drained = to == RotationState.Retired && found is not null ? await drains.OfAsync(found, call.Cancelled) : [];
        if (found is not null && await EarlyAsync(call, found, to!, checks, backup) is { Count: > 0 } early && early.Any(gate => !gate.Ok)) return RotationJson.NotMet([.. early, .. drained]);
        return await changes.KeepAsync(call, work => StepAsync(work, call, to!, backup, checks, drained));
    }

    // Judged here first, so that whoever asks again and again holds nobody up: the embedded store has one writer, and some gates
    // count many rows. What is met now is judged once more in the step.
    private async Task<IReadOnlyList<Gate>> EarlyAsync(ApiCall call, RotationRow rotation, string to, IReadOnlyList<RotationCheck> checks, string? backup)
    {
        var wentBack = to == RotationState.Retired && RotationState.WentBack(rotation.State);
        if (!wentBack && RotationState.Next(rotation.State) != to) return [];
        return await changes.Database.ReadAsync(
            async connection => wentBack
                ? await RotationEventStore.LastNameAsync(connection, rotation.Id) == Drained ? [] : await gates.OfDrainAsync(connection, rotation, call.Now)
                : await gates.OfAsync(connection, rotation, to, checks, backup, call.Now),
            call.Cancelled);
    }

    private async Task<Answer> StepAsync(Work work, ApiCall call, string to, string? backup, IReadOnlyList<RotationCheck> checks, IReadOnlyList<Gate> drained)
    {
        await work.LockAsync(RotationStore.StepLock);
        if (await RotationStore.FindAsync(work.Connection, call.Id) is not { } rotation) return ControlPlaneErrors.RotationNotFound;
        if (rotation.State == to) return RotationJson.Of(rotation);
        if (to == RotationState.Retired && RotationState.WentBack(rotation.State)) return await DrainAsync(work, call, rotation, drained);
        if (RotationState.Next(rotation.State) != to)
        {
            return ControlPlaneErrors.InvalidTransition.With($"{rotation.State} goes to {RotationState.Next(rotation.State) ?? "nothing"}, not to {to}");
        }

        IReadOnlyList<Gate> judged = [.. await gates.OfAsync(work.Connection, rotation, to, checks, backup, call.Now), .. drained];
        if (judged.Any(gate => !gate.Ok)) return RotationJson.NotMet(judged);
        var moved = Moved(rotation, to, call.Now);
        await RotationStore.UpdateAsync(work, moved);
        await RegisterAsync(work, moved, call.Now);
        if (to == RotationState.Retired && !rotation.Emergency) await RotationStore.ReleaseLockAsync(work);
        var services = await gates.ReadersAsync(work.Connection, rotation, call.Now);
        await trail.AppendAsync(work, call, moved, new RotationStep(to) { Services = services, Checks = checks }, call.Now);
        return RotationJson.Of(moved);
    }

    // The second drain, after the way back: here it is the new value that goes. The rotation stays what it is.
    private async Task<Answer> DrainAsync(Work work, ApiCall call, RotationRow rotation, IReadOnlyList<Gate> drained)
    {
        if (await RotationEventStore.LastNameAsync(work.Connection, rotation.Id) == Drained) return RotationJson.Of(rotation);
        IReadOnlyList<Gate> judged = [.. await gates.OfDrainAsync(work.Connection, rotation, call.Now), .. drained];
        if (judged.Any(gate => !gate.Ok)) return RotationJson.NotMet(judged);
        await KeyRegistryStore.MoveAsync(work, rotation.Class, rotation.Scope, rotation.ToSid, "retired", call.Now);
        await trail.AppendAsync(work, call, rotation, new RotationStep(Drained) { Services = await gates.ReadersAsync(work.Connection, rotation, call.Now) }, call.Now);
        return RotationJson.Of(rotation);
    }

    private static RotationRow Moved(RotationRow rotation, string to, DateTimeOffset now) => rotation with
    {
        State = to,
        UpdatedAt = now,
        RolledAt = to == RotationState.Rolled ? now : rotation.RolledAt,
        VerifiedAt = to == RotationState.Verified ? now : rotation.VerifiedAt,
        EndedAt = to == RotationState.Retired ? now : rotation.EndedAt,
    };

    private static async Task RegisterAsync(Work work, RotationRow rotation, DateTimeOffset now)
    {
        if (rotation.State == RotationState.Rolled)
        {
            if (rotation.FromSid is { } from) await KeyRegistryStore.MoveAsync(work, rotation.Class, rotation.Scope, from, "previous", now);
            await KeyRegistryStore.MoveAsync(work, rotation.Class, rotation.Scope, rotation.ToSid, "active", now);
        }

        if (rotation.State == RotationState.Retired && rotation.FromSid is { } old)
        {
            await KeyRegistryStore.MoveAsync(work, rotation.Class, rotation.Scope, old, rotation.ReasonKind == "compromise" ? "compromised" : "retired", now);
        }
    }
}
