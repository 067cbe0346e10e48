using Caracal.Authority.Delegations;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Requests;
using Caracal.Storage;
using Caracal.Storage.Delegations;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Delegations;

/// <summary>Lists of delegations. Without administrator rights a caller sees only those it issued or received.</summary>
internal sealed class ReadDelegations(Database database, DatabaseClock clock, SessionStore sessions, DelegationStore delegations)
{
    /// <summary><c>GET …/delegations/inbound/{sid}</c></summary>
    public Task<Reply> InboundAsync(Call call) =>
        OfSessionAsync(call, new DelegationFilter { TargetSessionId = call.Ids["sessionId"] });

    /// <summary><c>GET …/delegations/outbound/{sid}</c></summary>
    public Task<Reply> OutboundAsync(Call call) =>
        OfSessionAsync(call, new DelegationFilter { SourceSessionId = call.Ids["sessionId"] });

    /// <summary><c>GET …/delegations/inbound/{sid}/{id}</c>: how a receiver looks before it accepts.</summary>
    public async Task<Reply> InboundOneAsync(Call call)
    {
        var (edge, spent) = await database.ReadAsync(
            async connection =>
            {
                var found = await delegations.FindAsync(connection, call.ZoneId, call.Id);
                return (found, found?.Budget is null ? null : await delegations.SpentAsync(connection, call.ZoneId, call.Id));
            },
            call.Aborted);
        if (edge is null || edge.TargetSessionId != call.Ids["sessionId"] || !edge.IsLive(clock.Now)
            || !(call.Caller.IsAdmin || call.Caller.Owns(edge.ReceiverApplicationId)))
        {
            return DelegationRefusals.NotFound;
        }

        return Reply.Ok(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, edge.Id);
            writer.WriteString("status"u8, edge.Status);
            Paging.WriteTime(writer, "expires_at", edge.ExpiresAt);
            if (edge.Budget is { } budget)
            {
                DelegationJson.WriteBudget(writer, budget, spent);
            }

            writer.WriteEndObject();
        });
    }

    /// <summary><c>GET …/delegations/active</c></summary>
    public async Task<Reply> ActiveAsync(Call call)
    {
        if (Paging.TryRead(call) is not { } page)
        {
            return CoordinatorErrors.InvalidQuery;
        }

        var filter = Visible(call, new DelegationFilter { LiveAt = clock.Now });
        return await database.ReadAsync(
            async connection =>
            {
                if (page.Cursor is not null && !await delegations.ExistsAsync(connection, call.ZoneId, filter, page.Cursor))
                {
                    return CoordinatorErrors.InvalidCursor;
                }

                var items = await delegations.ListAsync(connection, call.ZoneId, filter, page);
                return Paging.Reply(items, page, edge => edge.Id, DelegationJson.WriteActiveItem);
            },
            call.Aborted);
    }

    // Two shapes, because the published clients disagree: the admin clients index the reply itself, the runtime clients
    // read "items" (coordinator.md 8).
    private async Task<Reply> OfSessionAsync(Call call, DelegationFilter filter)
    {
        var bare = call.Caller.IsOperator && call.Query("limit") is null && call.Query("cursor") is null;
        if (Paging.TryRead(call) is not { } page)
        {
            return CoordinatorErrors.InvalidQuery;
        }

        page = bare ? page with { Limit = Paging.MaximumLimit } : page;
        return await database.ReadAsync(
            async connection =>
            {
                var session = await sessions.FindAsync(connection, call.ZoneId, call.Ids["sessionId"]);
                if (session is null || !(call.Caller.IsAdmin || call.Caller.Owns(session.ApplicationId)))
                {
                    return SessionRefusals.SessionNotFound;
                }

                var visible = Visible(call, filter);
                if (page.Cursor is not null && !await delegations.ExistsAsync(connection, call.ZoneId, visible, page.Cursor))
                {
                    return CoordinatorErrors.InvalidCursor;
                }

                var items = await delegations.ListAsync(connection, call.ZoneId, visible, page);
                return bare
                    ? Reply.Ok(writer => Paging.WriteItems(writer, null, items, DelegationJson.WriteItem))
                    : Paging.Reply(items, page, edge => edge.Id, DelegationJson.WriteItem);
            },
            call.Aborted);
    }

    private static DelegationFilter Visible(Call call, DelegationFilter filter) =>
        call.Caller.IsAdmin ? filter : filter with { PartyApplicationId = call.Caller.ClientId };
}
