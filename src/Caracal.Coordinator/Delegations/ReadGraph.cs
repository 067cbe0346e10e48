using Caracal.Authority.Delegations;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Requests;
using Caracal.Storage;
using Caracal.Storage.Delegations;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Delegations;

/// <summary>Walks of the delegation graph and what a Session holds (coordinator.md 8).</summary>
internal sealed class ReadGraph(Database database, DatabaseClock clock, SessionStore sessions, DelegationStore delegations)
{
    /// <summary><c>GET …/delegations/{id}/traverse</c>: a bare list; an unknown edge leads nowhere.</summary>
    public async Task<Reply> TraverseAsync(Call call)
    {
        if (!call.Caller.IsAdmin)
        {
            return CoordinatorErrors.CoordinatorAdminRequired;
        }

        var walk = await WalkAsync(call) ?? [];
        return Reply.Ok(writer => Paging.WriteItems(writer, null, walk, DelegationJson.WriteReached));
    }

    /// <summary><c>GET …/delegations/{id}/impact</c>: what a revocation would take along.</summary>
    public async Task<Reply> ImpactAsync(Call call)
    {
        if (!call.Caller.IsAdmin)
        {
            return CoordinatorErrors.CoordinatorAdminRequired;
        }

        if (await WalkAsync(call) is not { } walk)
        {
            return DelegationRefusals.NotFound;
        }

        var targets = walk.Select(reached => reached.Edge.TargetSessionId).Distinct(StringComparer.Ordinal).ToArray();
        var records = await database.ReadAsync(connection => RecordsAsync(connection, call.ZoneId, targets), call.Aborted);
        return Reply.Ok(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("edge_id"u8, call.Id);
            Paging.WriteItems(writer, "affected_edges", walk, DelegationJson.WriteReached);
            Paging.WriteTexts(writer, "affected_sessions", targets);
            Paging.WriteTexts(writer, "affected_authority_records", records);
            Paging.WriteTexts(writer, "affected_agents", targets);
            Paging.WriteTexts(writer, "affected_subject_sessions", records);
            writer.WriteEndObject();
        });
    }

    /// <summary><c>GET …/agents/{id}/effective-authority</c></summary>
    public async Task<Reply> EffectiveAuthorityAsync(Call call)
    {
        var now = clock.Now;
        var authority = await database.ReadAsync(
            async connection =>
            {
                var session = await sessions.FindAsync(connection, call.ZoneId, call.Id);
                return session is null || !(call.Caller.IsAdmin || call.Caller.Owns(session.ApplicationId))
                    ? null
                    : EffectiveAuthority.Of(await delegations.InboundAsync(connection, call.ZoneId, call.Id, null, null, now), now);
            },
            call.Aborted);
        return authority is null ? SessionRefusals.SessionNotFound : Answer(call.Id, authority);
    }

    private static Reply Answer(string sessionId, EffectiveAuthority authority) => Reply.Ok(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("agent_session_id"u8, sessionId);
        Paging.WriteTexts(writer, "inbound_edges", authority.InboundEdges);
        Paging.WriteTexts(writer, "effective_scopes", authority.Scopes);
        Paging.WriteTexts(writer, "effective_resources", authority.Resources);
        writer.WriteNumber("effective_max_hops"u8, authority.MaxHops);
        Paging.WriteNumber(writer, "effective_ttl_seconds", authority.TtlSeconds);
        Paging.WriteTime(writer, "earliest_expires_at", authority.EarliestExpiresAt);
        if (authority.InboundEdges.Count > 0)
        {
            Paging.WriteTexts(writer, "effective_resource_ids", authority.ResourceIds);
            writer.WriteBoolean("effective_resource_constrained"u8, authority.IsResourceConstrained);
        }

        writer.WriteEndObject();
    });

    private Task<IReadOnlyList<ReachedDelegation>?> WalkAsync(Call call) => database.ReadAsync<IReadOnlyList<ReachedDelegation>?>(
        async connection =>
        {
            var edge = await delegations.FindAsync(connection, call.ZoneId, call.Id);
            return edge is null
                ? null
                : DelegationCascade.Forward(edge, await delegations.ReachableAsync(connection, call.ZoneId, edge.TargetSessionId));
        },
        call.Aborted);

    private async Task<string[]> RecordsAsync(System.Data.Common.DbConnection connection, string zoneId, IEnumerable<string> sessionIds)
    {
        var records = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var id in sessionIds)
        {
            if (await sessions.FindAsync(connection, zoneId, id) is { } session)
            {
                records.Add(session.SubjectAuthorityRecordId);
            }
        }

        return [.. records];
    }
}
