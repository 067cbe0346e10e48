using Caracal.Storage.Leadership;
using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>A lead as a lock of a session of its own: it ends with the session, however that ends.</summary>
internal sealed class PostgresLead : ILead
{
    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(5);

    private readonly NpgsqlConnection _connection;

    private PostgresLead(NpgsqlConnection connection, Task ending) => (_connection, Ending) = (connection, ending);

    public Task Ending { get; }

    /// <param name="source">Gives connections outside the pool.</param>
    /// <param name="key">The job's number.</param>
    /// <param name="ending">Ends when the source's login goes.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<ILead?> TryTakeAsync(NpgsqlDataSource source, long key, Task ending, CancellationToken cancellationToken)
    {
        var connection = await source.OpenConnectionAsync(cancellationToken);
        try
        {
            await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock($1)", connection) { Parameters = { new() { Value = key } } };
            if (await command.ExecuteScalarAsync(cancellationToken) is true) return new PostgresLead(connection, ending);
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
            await using var command = new NpgsqlCommand("SELECT 1", _connection);
            await command.ExecuteScalarAsync(limit.Token);
            return true;
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested && (fault is OperationCanceledException or InvalidOperationException || PostgresFaults.IsUnavailable(fault)))
        {
            return false;
        }
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
