using System.Data.Common;
using Caracal.Authority.Delegations;
using Caracal.Storage.Sessions;
using Dapper;

namespace Caracal.Storage.Delegations;

/// <summary>Table <c>delegation_edges</c>, owned by the Coordinator (coordinator.md 4).</summary>
public sealed class DelegationStore
{
    internal const string Columns =
        """
        id, zone_id, source_session_id, target_session_id, issuer_application_id, receiver_application_id, parent_edge_id,
        resource_id, scopes, constraints_json, status, expires_at, edge_version, edge_kind, revoked_at, created_at, updated_at,
        budget_calls, budget_unit
        """;

    public Task<Delegation?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<Delegation?>(
            $"SELECT {Columns} FROM delegation_edges WHERE zone_id = @zoneId AND id = @id", new { zoneId, id });

    public async Task InsertAsync(Work work, Delegation edge)
    {
        await work.Connection.ExecuteAsync(
            $"""
             INSERT INTO delegation_edges ({Columns})
             VALUES (@Id, @ZoneId, @SourceSessionId, @TargetSessionId, @IssuerApplicationId, @ReceiverApplicationId,
                 @ParentEdgeId, @ResourceId, @Scopes, @Constraints, @Status, @ExpiresAt, @EdgeVersion, @EdgeKind, @RevokedAt,
                 @CreatedAt, @UpdatedAt, @BudgetCalls, @BudgetUnit)
             """,
            new
            {
                edge.Id,
                edge.ZoneId,
                edge.SourceSessionId,
                edge.TargetSessionId,
                edge.IssuerApplicationId,
                edge.ReceiverApplicationId,
                edge.ParentEdgeId,
                edge.ResourceId,
                edge.Scopes,
                Constraints = new JsonText(edge.ConstraintsJson),
                edge.Status,
                edge.ExpiresAt,
                edge.EdgeVersion,
                edge.EdgeKind,
                edge.RevokedAt,
                edge.CreatedAt,
                edge.UpdatedAt,
                edge.BudgetCalls,
                edge.BudgetUnit,
            });
        if (edge.BudgetCalls is { } granted)
        {
            await work.Connection.ExecuteAsync(
                "INSERT INTO delegation_budgets (edge_id, zone_id, granted) VALUES (@Id, @ZoneId, @granted)", new { edge.Id, edge.ZoneId, granted });
        }
    }

    /// <summary>How often the edge, and what came of it, was used; null when that is not counted.</summary>
    public Task<long?> SpentAsync(DbConnection connection, string zoneId, string id) =>
        connection.ExecuteScalarAsync<long?>("SELECT spent FROM delegation_budgets WHERE zone_id = @zoneId AND edge_id = @id", new { zoneId, id });

    /// <summary>
    /// The live edges to the Session; when there are none, one ended edge if the Session ever held any. That is all the
    /// rules ask for, however long the Session has lived.
    /// </summary>
    /// <param name="connection">A connection.</param>
    /// <param name="zoneId">The zone.</param>
    /// <param name="targetSessionId">The holder.</param>
    /// <param name="receiverApplicationId">Only edges received by this application; null for all.</param>
    /// <param name="edgeId">Only this edge; null for all.</param>
    /// <param name="now">Database time.</param>
    public async Task<IReadOnlyList<Delegation>> InboundAsync(
        DbConnection connection, string zoneId, string targetSessionId, string? receiverApplicationId, string? edgeId, DateTimeOffset now)
    {
        var filter = "zone_id = @zoneId AND target_session_id = @targetSessionId"
            + (receiverApplicationId is null ? "" : " AND receiver_application_id = @receiverApplicationId")
            + (edgeId is null ? "" : " AND id = @edgeId");
        var parameters = new { zoneId, targetSessionId, receiverApplicationId, edgeId, now };
        var live = (await connection.QueryAsync<Delegation>(
            $"SELECT {Columns} FROM delegation_edges WHERE {filter} AND status = 'active' AND expires_at > @now",
            parameters)).OrderBy(edge => edge.Id, StringComparer.Ordinal).ToList();
        return live.Count > 0
            ? live
            : (await connection.QueryAsync<Delegation>($"SELECT {Columns} FROM delegation_edges WHERE {filter} LIMIT 1", parameters)).AsList();
    }

    /// <summary>Active edges reachable from the Session along their direction, at most ten hops.</summary>
    public async Task<IReadOnlyList<Delegation>> ReachableAsync(DbConnection connection, string zoneId, string fromSessionId) =>
        (await connection.QueryAsync<Delegation>(
            $"""
             WITH RECURSIVE reach (id, target, depth) AS (
                 SELECT id, target_session_id, 1 FROM delegation_edges
                 WHERE zone_id = @zoneId AND source_session_id = @fromSessionId AND status = 'active'
                 UNION
                 SELECT e.id, e.target_session_id, r.depth + 1 FROM delegation_edges e JOIN reach r ON e.source_session_id = r.target
                 WHERE e.zone_id = @zoneId AND e.status = 'active' AND r.depth < {DelegationLimits.TraversalDepth})
             SELECT {Columns} FROM delegation_edges WHERE id IN (SELECT id FROM reach) ORDER BY id
             """,
            new { zoneId, fromSessionId })).AsList();

    /// <summary>Active edges with one of the Sessions at either end, in id order, kept still until commit.</summary>
    public async Task<IReadOnlyList<Delegation>> TouchingAsync(Work work, string zoneId, IReadOnlyCollection<string> sessionIds) =>
        sessionIds.Count == 0
            ? []
            : (await work.Connection.QueryAsync<Delegation>(
                $"""
                 SELECT {Columns} FROM delegation_edges
                 WHERE id IN (
                     SELECT id FROM delegation_edges WHERE zone_id = @zoneId AND {work.Dialect.AnyOfBound("source_session_id", "@ids")} AND status = 'active'
                     UNION
                     SELECT id FROM delegation_edges WHERE zone_id = @zoneId AND {work.Dialect.AnyOfBound("target_session_id", "@ids")} AND status = 'active')
                 ORDER BY id {work.Dialect.ForUpdate}
                 """,
                new { zoneId, ids = work.Dialect.ListValue(sessionIds) })).AsList();

    /// <summary>Active edges that come of one of the given edges, however far down, in id order, kept still until commit.</summary>
    public async Task<IReadOnlyList<Delegation>> DescendantsAsync(Work work, string zoneId, IReadOnlyCollection<string> edgeIds) =>
        edgeIds.Count == 0
            ? []
            : (await work.Connection.QueryAsync<Delegation>(
                $"""
                 WITH RECURSIVE line (id) AS (
                     SELECT id FROM delegation_edges WHERE {work.Dialect.AnyOfBound("parent_edge_id", "@ids")} AND zone_id = @zoneId AND status = 'active'
                     UNION
                     SELECT e.id FROM delegation_edges e JOIN line l ON e.parent_edge_id = l.id WHERE e.zone_id = @zoneId AND e.status = 'active')
                 SELECT {Columns} FROM delegation_edges WHERE id IN (SELECT id FROM line) ORDER BY id {work.Dialect.ForUpdate}
                 """,
                new { zoneId, ids = work.Dialect.ListValue(edgeIds) })).AsList();

    /// <summary>Ends the edges that are active; the caller keeps them still.</summary>
    public Task RevokeAsync(Work work, IEnumerable<string> ids, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            $"""
             UPDATE delegation_edges SET status = 'revoked', revoked_at = @now, edge_version = edge_version + 1, updated_at = @now
             WHERE {work.Dialect.AnyOfBound("id", "@ids")} AND status = 'active'
             """,
            new { ids = work.Dialect.ListValue([.. ids]), now });

    /// <summary>Zones with active edges past their expiry.</summary>
    public async Task<IReadOnlyList<string>> ZonesWithDueAsync(DbConnection connection, DateTimeOffset now) =>
        (await connection.QueryAsync<string>(
            """
            SELECT DISTINCT zone_id FROM
                (SELECT zone_id FROM delegation_edges WHERE status = 'active' AND expires_at <= @now ORDER BY expires_at LIMIT 10000) AS due
            """,
            new { now })).Order(StringComparer.Ordinal).ToList();

    /// <summary>Marks overdue edges of a zone as expired and returns their ids.</summary>
    public async Task<IReadOnlyList<string>> ExpireDueAsync(Work work, string zoneId, DateTimeOffset now, int limit) =>
        [.. (await work.Connection.QueryAsync<string>(
            """
            UPDATE delegation_edges SET status = 'expired', edge_version = edge_version + 1, updated_at = @now
            WHERE id IN (SELECT id FROM delegation_edges WHERE zone_id = @zoneId AND status = 'active' AND expires_at <= @now
                         ORDER BY id LIMIT @limit)
            RETURNING id
            """,
            new { zoneId, now, limit })).Order(StringComparer.Ordinal)];

    /// <summary>Deletes ended edges past retention that have no living child edge and whose holder has ended (coordinator.md 13).</summary>
    public Task<int> DeleteEndedAsync(Work work, DateTimeOffset before, int limit) =>
        work.Connection.ExecuteAsync(
            """
            DELETE FROM delegation_edges WHERE id IN (
                SELECT e.id FROM delegation_edges e JOIN sessions t ON t.id = e.target_session_id
                WHERE e.status IN ('revoked', 'expired') AND e.updated_at < @before AND t.terminated_at IS NOT NULL
                  AND NOT EXISTS (SELECT 1 FROM delegation_edges c WHERE c.parent_edge_id = e.id AND c.status = 'active')
                ORDER BY e.id LIMIT @limit)
            """,
            new { before, limit });

    public async Task<IReadOnlyList<Delegation>> ListAsync(DbConnection connection, string zoneId, DelegationFilter filter, PageRequest page)
    {
        var rows = await connection.QueryAsync<Delegation>(
            $"""
             SELECT {Columns} FROM delegation_edges WHERE {filter.Conditions}{(page.Cursor is null ? "" : " AND id < @Cursor")}
             ORDER BY id DESC LIMIT @Limit
             """,
            new { zoneId, filter.SourceSessionId, filter.TargetSessionId, filter.PartyApplicationId, filter.LiveAt, page.Cursor, page.Limit });
        return rows.AsList();
    }

    /// <summary>True when the id is an edge of the zone that passes the filter, as a cursor must be.</summary>
    public Task<bool> ExistsAsync(DbConnection connection, string zoneId, DelegationFilter filter, string id) =>
        connection.ExecuteScalarAsync<bool>(
            $"SELECT EXISTS (SELECT 1 FROM delegation_edges WHERE {filter.Conditions} AND id = @id)",
            new { zoneId, filter.SourceSessionId, filter.TargetSessionId, filter.PartyApplicationId, filter.LiveAt, id });
}

/// <summary>Which edges a list shows; null members do not filter.</summary>
public sealed record DelegationFilter
{
    public string? SourceSessionId { get; init; }
    public string? TargetSessionId { get; init; }

    /// <summary>Issuer or receiver: what a caller without administrator rights may see.</summary>
    public string? PartyApplicationId { get; init; }

    /// <summary>Only edges live at this time.</summary>
    public DateTimeOffset? LiveAt { get; init; }

    internal string Conditions =>
        "zone_id = @zoneId"
        + (SourceSessionId is null ? "" : " AND source_session_id = @SourceSessionId")
        + (TargetSessionId is null ? "" : " AND target_session_id = @TargetSessionId")
        + (PartyApplicationId is null ? "" : " AND (issuer_application_id = @PartyApplicationId OR receiver_application_id = @PartyApplicationId)")
        + (LiveAt is null ? "" : " AND status = 'active' AND expires_at > @LiveAt");
}
