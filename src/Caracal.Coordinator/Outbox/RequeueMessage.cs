using Caracal.Coordinator.Requests;
using Caracal.Storage;
using Caracal.Storage.Outbox;

namespace Caracal.Coordinator.Outbox;

/// <summary><c>POST /zones/{zoneId}/outbox/{id}/requeue</c>: puts a dead message back to work (coordinator.md 12).</summary>
internal sealed class RequeueMessage(Changes changes, DatabaseClock clock, CoordinatorOutboxCare outbox)
{
    public async Task<Reply> HandleAsync(Call call)
    {
        if (!call.Caller.IsAdmin)
        {
            return CoordinatorErrors.CoordinatorAdminRequired;
        }

        if (!Guid.TryParseExact(call.ZoneId, "D", out _) || !Guid.TryParseExact(call.Id, "D", out _))
        {
            return CoordinatorErrors.InvalidBody;
        }

        return await changes.RunAsync(call, async work =>
            await outbox.RequeueAsync(work, call.ZoneId, call.Id, clock.Now)
                ? Reply.Ok(writer =>
                {
                    writer.WriteStartObject();
                    writer.WriteString("id"u8, call.Id);
                    writer.WriteString("status"u8, "pending"u8);
                    writer.WriteEndObject();
                })
                : CoordinatorErrors.DeadOutboxNotFound);
    }
}
