using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.Rotations;

/// <summary><c>POST …/{id}/verify</c>: runs the checks of operations.md 4.7 and keeps what they said as evidence.</summary>
internal sealed class VerifyRotation(Changes changes, RotationVerification verification)
{
    private readonly RotationTrail trail = new(changes);

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        if (call.Strict(ControlPlaneErrors.InvalidRotationRequest).Problem() is { } problem) return problem;
        if (await changes.Database.ReadAsync(connection => RotationStore.FindAsync(connection, call.Id), call.Cancelled) is not { } rotation)
        {
            return ControlPlaneErrors.RotationNotFound;
        }

        var checks = await verification.RunAsync(rotation, call.Cancelled);
        return await changes.KeepAsync(call, async work =>
        {
            await trail.AppendAsync(work, call, rotation, new RotationStep("checked") { Checks = checks }, call.Now);
            return Answer.Ok(writer =>
            {
                writer.WriteStartArray();
                foreach (var check in checks)
                {
                    writer.WriteStartObject();
                    RotationJson.WriteCheck(writer, check);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
            });
        });
    }
}
