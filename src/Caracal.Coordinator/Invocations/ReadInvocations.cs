using Caracal.Authority.Invocations;
using Caracal.Coordinator.Requests;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Invocations;

namespace Caracal.Coordinator.Invocations;

/// <summary>
/// Lists and single invocations. Only the service's, the source's and the target's applications see one; v1.0 showed it to
/// every application of the zone (coordinator.md 19.10).
/// </summary>
internal sealed class ReadInvocations(Database database, InvocationStore invocations)
{
    /// <summary><c>GET …/invocations/{id}</c></summary>
    public async Task<Reply> ReadAsync(Call call)
    {
        var invocation = await database.ReadAsync(connection => invocations.FindAsync(connection, call.ZoneId, call.Id), call.Aborted);
        return invocation is null || !MaySee(call, invocation)
            ? InvocationRefusals.NotFound
            : Reply.Ok(writer => InvocationJson.WriteRow(writer, invocation));
    }

    /// <summary><c>GET …/invocations</c></summary>
    public async Task<Reply> ListAsync(Call call)
    {
        var filter = new InvocationFilter
        {
            Status = call.Query("status"),
            ServiceId = call.Query("service_id"),
            SessionId = call.Query("session_id"),
            PartyApplicationId = call.Caller.IsAdmin ? null : call.Caller.ClientId,
        };
        if (Paging.TryRead(call) is not { } page || !(filter.Status is null || InvocationStatus.IsKnown(filter.Status))
            || !(filter.ServiceId is null || Ids.IsPathId(filter.ServiceId)) || !(filter.SessionId is null || Ids.IsPathId(filter.SessionId)))
        {
            return CoordinatorErrors.InvalidQuery;
        }

        return await database.ReadAsync(
            async connection =>
            {
                if (page.Cursor is not null
                    && (await invocations.FindAsync(connection, call.ZoneId, page.Cursor) is not { } last || !MaySee(call, last)))
                {
                    return CoordinatorErrors.InvalidCursor;
                }

                var items = await invocations.ListAsync(connection, call.ZoneId, filter, page);
                return Paging.Reply(items, page, invocation => invocation.Id, InvocationJson.WriteItem);
            },
            call.Aborted);
    }

    private static bool MaySee(Call call, Invocation invocation) =>
        call.Caller.MayInvokeFrom(invocation.ServiceApplicationId)
        || (invocation.SourceApplicationId is { } source && call.Caller.MayInvokeFrom(source))
        || (invocation.TargetApplicationId is { } target && call.Caller.Owns(target));
}
