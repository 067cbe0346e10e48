using Caracal.Storage.Leadership;
using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>A lead as a lock of a session of its own: it ends with the session, however that ends.</summary>
internal sealed class PostgresLead : ILead
{
    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(5);

    private readonly NpgsqlConnection _connection;
    private readonly Func<bool> _isCurrent;

    private PostgresLead(NpgsqlConnection connection, Func<bool> isCurrent) => (_connection, _isCurrent) = (connection, isCurrent);

    /// <param name="source">Gives connections outside the pool.</param>
    /// <param name="key">The job's number.</param>
    /// <param name="isCurrent">False once this service enters with another login: the lead ends, so that no session of the old one stays.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<ILead?> TryTakeAsync(NpgsqlDataSource source, long key, Func<bool> isCurrent, CancellationToken cancellationToken)
    {
        var connection = await source.OpenConnectionAsync(cancellationToken);
        try
        {
            await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock($1)", connection) { Parameters = { new() { Value = key } } };
            if (await command.ExecuteScalarAsync(cancellationToken) is true) return new PostgresLead(connection, isCurrent);
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
        if (!_isCurrent()) return false;
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
