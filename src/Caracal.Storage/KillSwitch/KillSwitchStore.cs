using Dapper;

namespace Caracal.Storage.KillSwitch;

/// <summary>A session that was ended, as its announcement needs it.</summary>
public sealed record EndedSession
{
    public string Id { get; init; } = "";
    public string? ParentId { get; init; }
    public string SubjectAuthorityRecordId { get; init; } = "";
}

/// <summary>What the kill switch is pointed at, by id.</summary>
public sealed record AuthorityRoots(IReadOnlyList<string> Records, IReadOnlyList<string> Sessions, IReadOnlyList<string> Edges);

/// <summary>What one use of the kill switch ended.</summary>
/// <param name="Records">Authority records.</param>
/// <param name="Sessions">Governed sessions.</param>
/// <param name="Edges">Delegations.</param>
/// <param name="Epoch">The zone's new graph epoch; null when no delegation ended.</param>
public sealed record KilledAuthority(
    IReadOnlyList<string> Records, IReadOnlyList<EndedSession> Sessions, IReadOnlyList<string> Edges, long? Epoch);

/// <summary>
/// The only place where the API touches records, sessions, edges and epochs (storage.md 2): it ends live authority and
/// everything that grew from it, in the caller's transaction.
/// </summary>
public static class KillSwitchStore
{
    // Keeps one statement below the parameter limit of either engine. Chunks are lists: an array would be bound as one
    // list value where the engine spreads its parameters.
    private const int Chunk = 500;

    /// <summary>Active records of a subject.</summary>
    public static Task<IReadOnlyList<string>> RecordsOfSubjectAsync(Work work, string zoneId, string subjectId) =>
        IdsAsync(work, "SELECT id FROM authority_records WHERE zone_id = @zoneId AND subject_id = @key AND status = 'active'", zoneId, subjectId);

    /// <summary>Active application records of an application.</summary>
    public static Task<IReadOnlyList<string>> RecordsOfApplicationAsync(Work work, string zoneId, string applicationId) =>
        IdsAsync(
            work,
            "SELECT id FROM authority_records WHERE zone_id = @zoneId AND subject_id = @key AND session_type = 'application' AND status = 'active'",
            zoneId,
            applicationId);

    /// <summary>Every active record of a zone.</summary>
    public static Task<IReadOnlyList<string>> RecordsOfZoneAsync(Work work, string zoneId) =>
        IdsAsync(work, "SELECT id FROM authority_records WHERE zone_id = @zoneId AND status = 'active'", zoneId, "");

    /// <summary>Active records made since a moment, for a signing key that was compromised.</summary>
    public static async Task<IReadOnlyList<string>> RecordsSinceAsync(Work work, string zoneId, DateTimeOffset since) =>
        (await work.Connection.QueryAsync<string>(
            "SELECT id FROM authority_records WHERE zone_id = @zoneId AND created_at >= @since AND status = 'active'",
            new { zoneId, since })).AsList();

    /// <summary>Live sessions of an application.</summary>
    public static Task<IReadOnlyList<string>> SessionsOfApplicationAsync(Work work, string zoneId, string applicationId) =>
        IdsAsync(
            work,
            "SELECT id FROM sessions WHERE zone_id = @zoneId AND application_id = @key AND status IN ('active', 'suspended')",
            zoneId,
            applicationId);

    /// <summary>Every live session of a zone.</summary>
    public static Task<IReadOnlyList<string>> SessionsOfZoneAsync(Work work, string zoneId) =>
        IdsAsync(work, "SELECT id FROM sessions WHERE zone_id = @zoneId AND status IN ('active', 'suspended')", zoneId, "");

    /// <summary>
    /// Ends the records and their descendants, the sessions that ride on them together with the ones named and all below,
    /// and the delegations that touch those sessions.
    /// </summary>
    public static Task<KilledAuthority> EndAsync(
        Work work, string zoneId, IReadOnlyList<string> records, IReadOnlyList<string> sessions, string reason, DateTimeOffset now) =>
        EndAsync(work, zoneId, new AuthorityRoots(records, sessions, []), reason, now);

    /// <summary>Ends the roots and all that grew from them; delegations among the roots take those made from them along.</summary>
    public static async Task<KilledAuthority> EndAsync(Work work, string zoneId, AuthorityRoots roots, string reason, DateTimeOffset now)
    {
        await work.LockAsync($"delegation:{zoneId}");
        var endedRecords = await RevokeRecordsAsync(work, zoneId, roots.Records, reason, now);
        var endedSessions = await EndSessionsAsync(work, zoneId, endedRecords, roots.Sessions, reason, now);
        var endedEdges = await RevokeEdgesAsync(work, zoneId, endedSessions, roots.Edges, now);
        var epoch = endedEdges.Count == 0 ? (long?)null : await BumpEpochAsync(work, zoneId, now);
        return new KilledAuthority(endedRecords, endedSessions, endedEdges, epoch);
    }

    /// <summary>Marks records whose time has passed as expired (api.md 12.4).</summary>
    public static Task<int> ExpireRecordsAsync(Work work, int limit, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            UPDATE authority_records SET status = 'expired' WHERE id IN (
                SELECT id FROM authority_records WHERE status = 'active' AND expires_at <= @now ORDER BY expires_at LIMIT @limit)
            """,
            new { limit, now });

    /// <summary>Revokes a subject's provider connections and forgets their tokens.</summary>
    public static Task<int> RevokeConnectionsAsync(Work work, string zoneId, string subjectId, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            UPDATE provider_connections SET status = 'revoked', access_token_ct = NULL, refresh_token_ct = NULL, updated_at = @now
            WHERE zone_id = @zoneId AND subject_id = @subjectId AND status = 'active'
            """,
            new { zoneId, subjectId, now });

    /// <summary>Whether the zone ever saw this subject.</summary>
    public static async Task<bool> SubjectKnownAsync(Work work, string zoneId, string subjectId) =>
        await work.Connection.ExecuteScalarAsync<long>(
            """
            SELECT (SELECT count(*) FROM authority_records WHERE zone_id = @zoneId AND subject_id = @subjectId)
                 + (SELECT count(*) FROM provider_connections WHERE zone_id = @zoneId AND subject_id = @subjectId)
            """,
            new { zoneId, subjectId }) > 0;

    /// <summary>Revokes records and their descendants; returns those that were live.</summary>
    public static async Task<IReadOnlyList<string>> RevokeRecordsAsync(
        Work work, string zoneId, IReadOnlyList<string> records, string reason, DateTimeOffset now)
    {
        var ended = new List<string>();
        var wave = records;
        var seen = new HashSet<string>(records, StringComparer.Ordinal);
        while (wave.Count > 0)
        {
            var children = new List<string>();
            foreach (var ids in wave.Chunk(Chunk).Select(chunk => chunk.ToList()))
            {
                ended.AddRange(await work.Connection.QueryAsync<string>(
                    $"""
                     UPDATE authority_records SET status = 'revoked', revoked_at = @now, revoked_reason = @reason
                     WHERE zone_id = @zoneId AND {work.Dialect.AnyOf("id", "@ids")} AND status = 'active' RETURNING id
                     """,
                    new { zoneId, ids, reason, now }));
                children.AddRange(await work.Connection.QueryAsync<string>(
                    $"SELECT id FROM authority_records WHERE zone_id = @zoneId AND {work.Dialect.AnyOf("parent_id", "@ids")}", new { zoneId, ids }));
            }

            wave = children.Where(seen.Add).ToList();
        }

        return ended;
    }

    private static async Task<IReadOnlyList<EndedSession>> EndSessionsAsync(
        Work work, string zoneId, IReadOnlyList<string> records, IReadOnlyList<string> sessions, string reason, DateTimeOffset now)
    {
        var roots = new HashSet<string>(sessions, StringComparer.Ordinal);
        foreach (var ids in records.Chunk(Chunk).Select(chunk => chunk.ToList()))
        {
            roots.UnionWith(await work.Connection.QueryAsync<string>(
                $"""
                 SELECT id FROM sessions WHERE zone_id = @zoneId AND {work.Dialect.AnyOf("subject_authority_record_id", "@ids")} AND status IN ('active', 'suspended')
                 """,
                new { zoneId, ids }));
        }

        var ended = new List<EndedSession>();
        var wave = roots.ToList();
        var why = reason;
        while (wave.Count > 0)
        {
            var children = new List<string>();
            foreach (var ids in wave.Chunk(Chunk).Select(chunk => chunk.ToList()))
            {
                ended.AddRange(await work.Connection.QueryAsync<EndedSession>(
                    $"""
                     UPDATE sessions SET status = 'terminated', terminated_at = @now, termination_reason = @why, updated_at = @now
                     WHERE zone_id = @zoneId AND {work.Dialect.AnyOf("id", "@ids")} AND status IN ('active', 'suspended')
                     RETURNING id, parent_id, subject_authority_record_id
                     """,
                    new { zoneId, ids, why, now }));
                children.AddRange(await work.Connection.QueryAsync<string>(
                    $"SELECT id FROM sessions WHERE zone_id = @zoneId AND {work.Dialect.AnyOf("parent_id", "@ids")} AND status IN ('active', 'suspended')",
                    new { zoneId, ids }));
            }

            wave = children.Where(roots.Add).ToList();
            why = "parent_terminated";
        }

        await ReduceParentsAsync(work, zoneId, ended, now);
        return ended;
    }

    // A live parent outside what ended has fewer children now (coordinator.md 5).
    private static async Task ReduceParentsAsync(Work work, string zoneId, List<EndedSession> ended, DateTimeOffset now)
    {
        var ids = ended.Select(session => session.Id).ToHashSet(StringComparer.Ordinal);
        var parents = ended.Where(session => session.ParentId is not null && !ids.Contains(session.ParentId)).GroupBy(session => session.ParentId!);
        foreach (var parent in parents)
        {
            await work.Connection.ExecuteAsync(
                """
                UPDATE sessions SET child_count = CASE WHEN child_count > @lost THEN child_count - @lost ELSE 0 END, updated_at = @now
                WHERE zone_id = @zoneId AND id = @id AND status IN ('active', 'suspended')
                """,
                new { zoneId, id = parent.Key, lost = parent.Count(), now });
        }
    }

    private static async Task<IReadOnlyList<string>> RevokeEdgesAsync(
        Work work, string zoneId, IReadOnlyList<EndedSession> sessions, IReadOnlyList<string> named, DateTimeOffset now)
    {
        var ended = new List<string>();
        foreach (var ids in named.Chunk(Chunk).Select(chunk => chunk.ToList()))
        {
            ended.AddRange(await work.Connection.QueryAsync<string>(
                $"""
                 UPDATE delegation_edges SET status = 'revoked', revoked_at = @now, updated_at = @now, edge_version = edge_version + 1
                 WHERE zone_id = @zoneId AND status = 'active' AND {work.Dialect.AnyOf("id", "@ids")} RETURNING id
                 """,
                new { zoneId, ids, now }));
        }

        foreach (var chunk in sessions.Chunk(Chunk))
        {
            var ids = chunk.Select(session => session.Id).ToList();
            ended.AddRange(await work.Connection.QueryAsync<string>(
                $"""
                 UPDATE delegation_edges SET status = 'revoked', revoked_at = @now, updated_at = @now, edge_version = edge_version + 1
                 WHERE zone_id = @zoneId AND status = 'active' AND ({work.Dialect.AnyOf("source_session_id", "@ids")} OR {work.Dialect.AnyOf("target_session_id", "@ids")}) RETURNING id
                 """,
                new { zoneId, ids, now }));
        }

        // A delegation made from one that ended has nothing left to stand on.
        var wave = ended.ToList();
        while (wave.Count > 0)
        {
            var next = new List<string>();
            foreach (var ids in wave.Chunk(Chunk).Select(chunk => chunk.ToList()))
            {
                next.AddRange(await work.Connection.QueryAsync<string>(
                    $"""
                     UPDATE delegation_edges SET status = 'revoked', revoked_at = @now, updated_at = @now, edge_version = edge_version + 1
                     WHERE zone_id = @zoneId AND status = 'active' AND {work.Dialect.AnyOf("parent_edge_id", "@ids")} RETURNING id
                     """,
                    new { zoneId, ids, now }));
            }

            ended.AddRange(next);
            wave = next;
        }

        return ended;
    }

    private static Task<long> BumpEpochAsync(Work work, string zoneId, DateTimeOffset now) =>
        work.Connection.ExecuteScalarAsync<long>(
            """
            INSERT INTO delegation_graph_epochs (zone_id, epoch, updated_at) VALUES (@zoneId, 1, @now)
            ON CONFLICT (zone_id) DO UPDATE SET epoch = delegation_graph_epochs.epoch + 1, updated_at = excluded.updated_at RETURNING epoch
            """,
            new { zoneId, now });

    private static async Task<IReadOnlyList<string>> IdsAsync(Work work, string sql, string zoneId, string key) =>
        (await work.Connection.QueryAsync<string>(sql, new { zoneId, key })).AsList();
}
