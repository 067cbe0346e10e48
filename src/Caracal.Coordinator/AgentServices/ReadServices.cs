using Caracal.Coordinator.Requests;
using Caracal.Storage;
using Caracal.Storage.AgentServices;

namespace Caracal.Coordinator.AgentServices;

/// <summary><c>GET …/agent-services</c>: any application of the zone may look for a service (coordinator.md 7).</summary>
internal sealed class ReadServices(Database database, AgentServiceStore services)
{
    public async Task<Reply> ListAsync(Call call)
    {
        if (Paging.TryRead(call) is not { } page)
        {
            return CoordinatorErrors.InvalidQuery;
        }

        return await database.ReadAsync(
            async connection => page.Cursor is not null && await services.FindAsync(connection, call.ZoneId, page.Cursor) is null
                ? CoordinatorErrors.InvalidCursor
                : Paging.Reply(
                    await services.ListAsync(connection, call.ZoneId, page), page, service => service.Id, AgentServiceJson.Write),
            call.Aborted);
    }
}
