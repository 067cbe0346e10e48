using Caracal.Protocol;
using Caracal.Stack;
using Caracal.Storage;
using Caracal.Storage.Sqlite;
using Dapper;

namespace Caracal.Cli.Bench.Coordinator;

/// <summary>
/// Fills the measured store with Sessions and delegations faster than the wire could: what is measured is what the
/// Coordinator does with a graph of this size, not how it came to be.
/// </summary>
internal sealed class SeededGraph : IAsyncDisposable
{
    private const int SecondsToLive = 86_000;

    private readonly SqliteDatabase database;
    private readonly string zoneId;
    private readonly string applicationId;
    private readonly string scope;

    private SeededGraph(SqliteDatabase database, string zoneId, string applicationId, string scope)
    {
        this.database = database;
        this.zoneId = zoneId;
        this.applicationId = applicationId;
        this.scope = scope;
    }

    public static SeededGraph Open(string dataDirectory, string zoneId, string applicationId, string scope) =>
        new(new SqliteDatabase(CaracalStack.DatabasePath(dataDirectory), TimeProvider.System), zoneId, applicationId, scope);

    public ValueTask DisposeAsync() => database.DisposeAsync();

    /// <summary>A chain of Sessions that hand their authority on: <paramref name="depth"/> edges, the last Session's id returned.</summary>
    public Task<string> ChainAsync(int depth) => database.WriteAsync(async work =>
    {
        var record = await RecordAsync(work);
        var (from, parent) = (await SessionAsync(work, record), (string?)null);
        for (var i = 0; i < depth; i++)
        {
            var to = await SessionAsync(work, record);
            parent = await EdgeAsync(work, from, to, parent, hops: depth - i);
            from = to;
        }

        return from;
    });

    /// <summary>One edge with <paramref name="descendants"/> edges that come of it, three levels deep, each to a Session of its own; the first edge's id.</summary>
    public Task<string> TreeAsync(int descendants) => database.WriteAsync(async work =>
    {
        var record = await RecordAsync(work);
        var held = await SessionAsync(work, record);
        var root = await EdgeAsync(work, await SessionAsync(work, record), held, null, hops: 10);
        var width = (int)Math.Sqrt(descendants);
        var made = 0;
        while (made < descendants)
        {
            var branch = await SessionAsync(work, record);
            var edge = await EdgeAsync(work, held, branch, root, hops: 9);
            made++;
            for (var i = 0; i < width && made < descendants; i++, made++)
            {
                await EdgeAsync(work, branch, await SessionAsync(work, record), edge, hops: 8);
            }
        }

        return root;
    });

    /// <summary>Adds Sessions until the zone has at least <paramref name="total"/>, every second one with a delegation.</summary>
    public Task FillAsync(int total) => database.WriteAsync(async work =>
    {
        var record = await RecordAsync(work);
        var there = await work.Connection.ExecuteScalarAsync<int>("SELECT count(*) FROM sessions WHERE zone_id = @zoneId", new { zoneId });
        var last = there < total ? await SessionAsync(work, record) : "";
        for (var i = there + 1; i < total; i++)
        {
            var next = await SessionAsync(work, record);
            if (i % 2 == 0) await EdgeAsync(work, last, next, null, hops: 1);
            last = next;
        }
    });

    private async Task<string> RecordAsync(Work work) =>
        await work.Connection.QueryFirstAsync<string>(
            "SELECT id FROM authority_records WHERE zone_id = @zoneId AND session_type = 'application' AND status = 'active' LIMIT 1", new { zoneId });

    private async Task<string> SessionAsync(Work work, string record)
    {
        var id = Ids.New();
        var command = PreparedStatements.Get(
            work.Connection,
            """
            INSERT INTO sessions (id, zone_id, application_id, subject_authority_record_id, status, labels, started_at, last_active_at,
                ttl_seconds, metadata_json, updated_at, lifecycle)
            VALUES (@id, @zone, @application, @record, 'active', '[]', @now, @now, @ttl, '{}', @now, 'task')
            """,
            "@id", "@zone", "@application", "@record", "@now", "@ttl");
        object?[] values = [id, zoneId, applicationId, record, Now(), SecondsToLive];
        for (var i = 0; i < values.Length; i++) command.Set(i, values[i]);
        await command.ExecuteNonQueryAsync();
        return id;
    }

    private async Task<string> EdgeAsync(Work work, string source, string target, string? parent, int hops)
    {
        var id = Ids.New();
        var command = PreparedStatements.Get(
            work.Connection,
            """
            INSERT INTO delegation_edges (id, zone_id, source_session_id, target_session_id, issuer_application_id,
                receiver_application_id, parent_edge_id, scopes, constraints_json, status, expires_at, created_at, updated_at)
            VALUES (@id, @zone, @source, @target, @application, @application, @parent, @scopes, @constraints, 'active', @expires, @now, @now)
            """,
            "@id", "@zone", "@source", "@target", "@application", "@parent", "@scopes", "@constraints", "@expires", "@now");
        object?[] values =
        [
            id, zoneId, source, target, applicationId, parent, $"[\"{scope}\"]", $"{{\"max_hops\":{hops}}}",
            Now() + (SecondsToLive * 1_000_000L), Now(),
        ];
        for (var i = 0; i < values.Length; i++) command.Set(i, values[i]);
        await command.ExecuteNonQueryAsync();
        return id;
    }

    // Microseconds, as the store keeps them.
    private static long Now() => (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks / 10;
}
