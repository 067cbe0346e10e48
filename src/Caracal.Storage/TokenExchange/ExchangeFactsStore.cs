using System.Collections.Immutable;
using System.Data.Common;
using Caracal.Authority.TokenExchange;

namespace Caracal.Storage.TokenExchange;

/// <summary>The one combined read of an exchange (sts.md B3): zone version, authority record, Session, Delegation.</summary>
/// <param name="database">The store.</param>
/// <param name="memory">What was read before and provably still holds.</param>
public sealed class ExchangeFactsStore(Database database, ExchangeFactsMemory memory)
{
    private const string RecordColumns = "{0}.id, {0}.session_type, {0}.subject_id, {0}.parent_id, {0}.status, {0}.expires_at";

    private const string SessionColumns =
        "{0}.id, {0}.application_id, {0}.parent_id, {0}.status, {0}.depth, {0}.labels, {0}.lifecycle, {0}.started_at, "
        + "{0}.ttl_seconds, {0}.heartbeat_deadline_at, {0}.subject_authority_record_id";

    private const string EdgeColumns =
        "{0}.id, {0}.source_session_id, {0}.target_session_id, {0}.issuer_application_id, {0}.receiver_application_id, "
        + "{0}.parent_edge_id, {0}.resource_id, {0}.scopes, {0}.constraints_json, {0}.status, {0}.expires_at, {0}.revoked_at, "
        + "{0}.edge_version, {0}.edge_kind, {0}.budget_calls";

    private const int SessionWidth = 11;
    private const int RecordWidth = 6;
    private const int EdgeWidth = 15;

    // Where each part of the exchange's row begins.
    private const int RecordAt = 2;
    private const int SessionAt = RecordAt + RecordWidth;
    private const int EdgeAt = SessionAt + SessionWidth + RecordWidth;
    private const int SourceAt = EdgeAt + EdgeWidth;

    // One statement: what an id that was not given would name is simply absent from the row.
    private static readonly string ExchangeSql =
        "SELECT v.version, g.epoch, " + Columns(RecordColumns, "r") + ", "
        + Columns(SessionColumns, "s") + ", " + Columns(RecordColumns, "a") + ", "
        + Columns(EdgeColumns, "e") + ", " + Columns(SessionColumns, "o") + ", " + Columns(RecordColumns, "b")
        + """
           FROM (SELECT 1 AS one) base
           LEFT JOIN zone_versions v ON v.zone_id = @zone
           LEFT JOIN delegation_graph_epochs g ON g.zone_id = @zone
           LEFT JOIN authority_records r ON r.id = @record AND r.zone_id = @zone
           LEFT JOIN sessions s ON s.id = @session AND s.zone_id = @zone
           LEFT JOIN authority_records a ON a.id = s.subject_authority_record_id AND a.zone_id = @zone
           LEFT JOIN delegation_edges e ON e.id = @edge AND e.zone_id = @zone
           LEFT JOIN sessions o ON o.id = e.source_session_id AND o.zone_id = @zone
           LEFT JOIN authority_records b ON b.id = o.subject_authority_record_id AND b.zone_id = @zone
          """;

    // Every edge above the named one, the nearest first, whatever their number, in one round trip.
    private static readonly string ParentsSql =
        """
        WITH RECURSIVE line (id, parent_edge_id, height) AS (
            SELECT id, parent_edge_id, 1 FROM delegation_edges WHERE id = @edge AND zone_id = @zone
            UNION ALL
            SELECT p.id, p.parent_edge_id, l.height + 1 FROM delegation_edges p JOIN line l ON p.id = l.parent_edge_id
            WHERE p.zone_id = @zone AND l.height < @limit)
        """
        + " SELECT " + Columns(EdgeColumns, "e") + ", s.application_id FROM line l "
        + "JOIN delegation_edges e ON e.id = l.id AND e.zone_id = @zone "
        + "LEFT JOIN sessions s ON s.id = e.source_session_id AND s.zone_id = @zone ORDER BY l.height";

    /// <summary>Everything an exchange needs, as it is now.</summary>
    public ValueTask<ExchangeFacts> ReadAsync(ExchangeLookup lookup, CancellationToken cancellationToken) =>
        memory.Find(lookup) is { } known ? new ValueTask<ExchangeFacts>(known) : new(ReadStoredAsync(lookup, cancellationToken));

    private async Task<ExchangeFacts> ReadStoredAsync(ExchangeLookup lookup, CancellationToken cancellationToken)
    {
        var version = memory.Version;

        // Only a record can have been issued a moment ago. That of a Session was written before the Session, which is a change of authority.
        var facts = lookup.RecordId is null
            ? await database.ReadSettledAsync(connection => ReadAsync(connection, lookup), cancellationToken)
            : await database.ReadAsync(connection => ReadAsync(connection, lookup), cancellationToken);
        memory.Keep(lookup, facts, version);
        return facts with { AuthorityVersion = version };
    }

    /// <summary>The same read inside a change in progress, for the check again before an insert (B10).</summary>
    internal static async Task<ExchangeFacts> ReadAsync(DbConnection connection, ExchangeLookup lookup)
    {
        var command = PreparedStatements.Get(connection, ExchangeSql, "@zone", "@record", "@session", "@edge");
        command.Set(0, StoredId.OrNull(lookup.ZoneId));
        command.Set(1, StoredId.OrNull(lookup.RecordId));
        command.Set(2, StoredId.OrNull(lookup.AgentSessionId));
        command.Set(3, StoredId.OrNull(lookup.DelegationEdgeId));
        ExchangeFacts facts;
        await using (var row = await command.ExecuteReaderAsync())
        {
            await row.ReadAsync();
            facts = new ExchangeFacts
            {
                ZoneVersion = row.IsDBNull(0) ? 0 : row.GetInt64(0),
                Record = Record(row, RecordAt),
                Session = Session(row, SessionAt),
                Delegation = row.IsDBNull(EdgeAt)
                    ? null
                    : new DelegationFacts
                    {
                        Epoch = row.IsDBNull(1) ? 0 : row.GetInt64(1),
                        Lineage = [Edge(row, EdgeAt)],
                        Source = Session(row, SourceAt),
                    },
            };
        }

        return facts.Delegation is { } delegation
            ? facts with { Delegation = await WithParentsAsync(connection, lookup.ZoneId, delegation) }
            : facts;
    }

    private static async Task<DelegationFacts> WithParentsAsync(DbConnection connection, string zoneId, DelegationFacts facts)
    {
        if (facts.Lineage[0].ParentEdgeId is not { } parent)
        {
            return facts with { RootApplicationId = facts.Source?.ApplicationId };
        }

        var lineage = facts.Lineage.ToBuilder();
        var rootApplication = await ReadParentsAsync(connection, zoneId, parent, lineage) ?? facts.Source?.ApplicationId;
        return facts with { Lineage = lineage.ToImmutable(), RootApplicationId = rootApplication };
    }

    // Returns the application of the topmost edge's source Session, or null when the named edge is the root.
    private static async Task<string?> ReadParentsAsync(
        DbConnection connection, string zoneId, string parent, ImmutableArray<EdgeFacts>.Builder lineage)
    {
        var command = PreparedStatements.Get(connection, ParentsSql, "@zone", "@edge", "@limit");
        command.Set(0, zoneId);
        command.Set(1, parent);
        command.Set(2, (long)(DelegationRules.LongestLineage - lineage.Count));
        string? rootApplication = null;
        await using var row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync())
        {
            lineage.Add(Edge(row, 0));
            rootApplication = row.Text(EdgeWidth);
        }

        return rootApplication;
    }

    private static RecordFacts? Record(DbDataReader row, int at) =>
        row.IsDBNull(at)
            ? null
            : new RecordFacts(
                row.GetString(at), row.GetString(at + 1), row.GetString(at + 2), row.Text(at + 3), row.GetString(at + 4), row.Time(at + 5));

    private static SessionFacts? Session(DbDataReader row, int at) =>
        row.IsDBNull(at)
            ? null
            : new SessionFacts
            {
                Id = row.GetString(at),
                ApplicationId = row.GetString(at + 1),
                ParentId = row.Text(at + 2),
                Status = row.GetString(at + 3),
                Depth = (int)row.GetInt64(at + 4),
                Labels = ImmutableArray.Create(row.Texts(at + 5)),
                Lifecycle = row.GetString(at + 6),
                StartedAt = row.Time(at + 7),
                TtlSeconds = row.IsDBNull(at + 8) ? null : row.GetInt64(at + 8),
                HeartbeatDeadlineAt = row.OptionalTime(at + 9),
                SubjectRecordId = row.GetString(at + 10),
                SubjectRecord = Record(row, at + SessionWidth),
            };

    private static EdgeFacts Edge(DbDataReader row, int at) => new()
    {
        Id = row.GetString(at),
        SourceSessionId = row.GetString(at + 1),
        TargetSessionId = row.GetString(at + 2),
        IssuerApplicationId = row.GetString(at + 3),
        ReceiverApplicationId = row.GetString(at + 4),
        ParentEdgeId = row.Text(at + 5),
        ResourceId = row.Text(at + 6),
        Scopes = ImmutableArray.Create(row.Texts(at + 7)),
        ConstraintsJson = row.Text(at + 8),
        Status = row.GetString(at + 9),
        ExpiresAt = row.Time(at + 10),
        RevokedAt = row.OptionalTime(at + 11),
        EdgeVersion = row.GetInt64(at + 12),
        IsMirror = row.Text(at + 13) == "mirror",
        HasBudget = !row.IsDBNull(at + 14),
    };

    private static string Columns(string list, string alias) => list.Replace("{0}", alias, StringComparison.Ordinal);
}
