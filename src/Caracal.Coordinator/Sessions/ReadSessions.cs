using Caracal.Authority.Sessions;
using Caracal.Coordinator.Requests;
using Caracal.Storage;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Sessions;

/// <summary>Lists, children and single Sessions; any application of the zone may read them (coordinator.md 5).</summary>
internal sealed class ReadSessions(Database database, SessionStore sessions)
{
    /// <summary><c>GET …/agents</c></summary>
    public Task<Reply> ListAsync(Call call) => ListAsync(call, parentId: null);

    /// <summary><c>GET …/agents/{id}/children</c>: direct children; an unknown parent has none.</summary>
    public Task<Reply> ChildrenAsync(Call call) => ListAsync(call, call.Id);

    /// <summary><c>GET …/agents/{id}</c></summary>
    public async Task<Reply> ReadAsync(Call call)
    {
        var session = await database.ReadAsync(connection => sessions.FindAsync(connection, call.ZoneId, call.Id), call.Aborted);
        return session is null ? SessionRefusals.SessionNotFound : Reply.Ok(writer => SessionJson.WriteItem(writer, session));
    }

    private async Task<Reply> ListAsync(Call call, string? parentId)
    {
        if (Paging.TryRead(call) is not { } page || TryReadFilter(call) is not { } filter)
        {
            return CoordinatorErrors.InvalidQuery;
        }

        return await database.ReadAsync(
            async connection =>
            {
                if (page.Cursor is not null && !await sessions.ExistsAsync(connection, call.ZoneId, page.Cursor))
                {
                    return CoordinatorErrors.InvalidCursor;
                }

                var items = await sessions.ListAsync(connection, call.ZoneId, filter with { ParentId = parentId }, page);
                return Paging.Reply(items, page, session => session.Id, SessionJson.WriteItem);
            },
            call.Aborted);
    }

    private static SessionFilter? TryReadFilter(Call call)
    {
        var filter = new SessionFilter
        {
            Status = call.Query("status"),
            Lifecycle = call.Query("lifecycle"),
            ApplicationId = call.Query("application_id"),
            Label = call.Query("label"),
        };
        var valid = (filter.Status is null || SessionStatus.IsKnown(filter.Status))
            && (filter.Lifecycle is null || SessionLifecycle.IsKnown(filter.Lifecycle))
            && IsText(filter.ApplicationId, 128) && IsText(filter.Label, SessionLimits.MaximumLabelLength);
        return valid ? filter : null;
    }

    private static bool IsText(string? text, int maximumLength) =>
        text is null || (text.Length >= 1 && text.Length <= maximumLength && !text.Contains('\0', StringComparison.Ordinal));
}
