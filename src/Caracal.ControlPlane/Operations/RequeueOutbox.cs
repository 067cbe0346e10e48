using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Platform;

namespace Caracal.ControlPlane.Operations;

/// <summary><c>POST /v1/outbox/{id}/requeue</c>: gives an abandoned message another round of attempts (api.md 12.2).</summary>
internal sealed class RequeueOutbox(Changes changes)
{
    public Task<Answer> HandleAsync(ApiCall call) => changes.ApplyAsync(call, async work =>
        await DeadOutbox.RequeueAsync(work, call.Id, call.Now)
            ? Answer.Ok(JsonRows.Object(writer =>
            {
                writer.WriteString("id", call.Id);
                writer.WriteString("state", "pending");
            }))
            : ControlPlaneErrors.DeadOutboxNotFound);
}
