using Caracal.Storage.Leadership;
using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>A lead as a lock of a session of its own: it ends with the session, however that ends.</summary>
internal sealed class PostgresLead : ILead
{
    // The function, not its view: a session that begins would read the view's definition from the catalogue first.
    private const string Held =
        """
        SELECT EXISTS (SELECT 1 FROM pg_lock_status() WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid() AND pid = $1
            AND objsubid = 1 AND (classid::bigint << 32) | objid::bigint = $2)
        """;

    // A session that was opened a moment ago holds nothing. One that does is a pooler's, which gives it to several clients (operations.md
    // 7.4): it would grant the lock again to whoever asks, and two would lead.
    private const string Take =
        """
        SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_lock_status() WHERE locktype = 'advisory' AND pid = pg_backend_pid()) THEN NULL
            WHEN pg_try_advisory_lock($1) THEN pg_backend_pid() END
        """;

    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(5);

    private readonly NpgsqlConnection _connection;
    private readonly long _key;
    private readonly int _backend;
    private readonly TaskCompletionSource _ending;

    private PostgresLead(NpgsqlConnection connection, long key, int backend, TaskCompletionSource ending) => (_connection, _key, _backend, _ending) = (connection, key, backend, ending);

    public Task Ending => _ending.Task;

    /// <param name="source">Gives connections outside the pool.</param>
    /// <param name="key">The job's number.</param>
    /// <param name="ending">Ends when the source's login goes, and with the lead.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<ILead?> TryTakeAsync(NpgsqlDataSource source, long key, TaskCompletionSource ending, CancellationToken cancellationToken)
    {
        var connection = await source.OpenConnectionAsync(cancellationToken);
        try
        {
            await using var command = new NpgsqlCommand(Take, connection) { Parameters = { new() { Value = key } } };
            if (await command.ExecuteScalarAsync(cancellationToken) is int backend) return new PostgresLead(connection, key, backend, ending);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        await connection.DisposeAsync();
        return null;
    }

    public async Task<bool> IsHeldAsync(CancellationToken cancellationToken)
    {
        if (Ending.IsCompleted) return false;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ProbeTime);
        try
        {
            // Another backend answers where a pooler in transaction mode stands between (operations.md 7.4): then nobody knows who leads.
            await using var command = new NpgsqlCommand(Held, _connection) { Parameters = { new() { Value = _backend }, new() { Value = _key } } };
            return await command.ExecuteScalarAsync(limit.Token) is true;
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested && (fault is OperationCanceledException or InvalidOperationException || PostgresFaults.IsUnavailable(fault)))
        {
            return false;
        }
    }

    public ValueTask DisposeAsync()
    {
        _ending.TrySetResult();
        return _connection.DisposeAsync();
    }
}
