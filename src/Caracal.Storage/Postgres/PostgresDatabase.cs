using System.Data;
using System.Data.Common;
using Caracal.Storage.Migrations;
using Dapper;
using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>
/// PostgreSQL: reads on connections whose transactions cannot write, changes in READ COMMITTED transactions that are
/// tried again after serialisation failures and deadlocks, notifications by <c>LISTEN</c>.
/// </summary>
public sealed class PostgresDatabase : Database
{
    private const int Tries = 4;

    private readonly NpgsqlDataSource _readers;
    private readonly NpgsqlDataSource _writers;
    private readonly PostgresListener _listener;

    /// <param name="address">The server, the database and this service's login.</param>
    /// <param name="settings">Whose connections these are, and their limits.</param>
    public PostgresDatabase(PostgresAddress address, PostgresSettings settings)
        : base(new PostgresDialect())
    {
        _readers = PostgresConnections.Readers(address, settings);
        _writers = PostgresConnections.Writers(address, settings);
        _listener = new PostgresListener(PostgresConnections.Listener(address, settings), Deliver);
    }

    public override async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var connection = await _readers.OpenConnectionAsync(cancellationToken);
            return await query(connection);
        }
        catch (Exception fault) when (IsUnavailable(fault, cancellationToken))
        {
            throw new StorageUnavailableException("the store cannot be read", fault);
        }
    }

    public override async Task<T> ReadSnapshotAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var connection = await _readers.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
            return await query(connection);
        }
        catch (Exception fault) when (IsUnavailable(fault, cancellationToken))
        {
            throw new StorageUnavailableException("the store cannot be read", fault);
        }
    }

    public override async Task<T> WriteAsync<T>(WriteKind kind, Func<Work, Task<T>> body, CancellationToken cancellationToken = default)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await WriteOnceAsync(body, cancellationToken);
            }
            catch (PostgresException fault) when (PostgresFaults.IsWorthAnotherTry(fault) && attempt < Tries)
            {
                var milliseconds = (10 << attempt) * (0.5 + Random.Shared.NextDouble());
                await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), cancellationToken);
            }
            catch (Exception fault) when (IsUnavailable(fault, cancellationToken))
            {
                throw new StorageUnavailableException("the store cannot be written", fault);
            }
        }
    }

    public override async Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) =>
        await ReadAsync(
            async connection => new DateTimeOffset(await connection.QuerySingleAsync<DateTime>("SELECT clock_timestamp()"), TimeSpan.Zero),
            cancellationToken);

    public override IDisposable Listen(string channel, Action<string> handler)
    {
        var subscription = base.Listen(channel, handler);
        _listener.Add(channel);
        return subscription;
    }

    public override async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        await _readers.DisposeAsync();
        await _writers.DisposeAsync();
    }

    // No list yet, or no right to read it yet: the job has not run here.
    protected override async Task<SchemaState> ReadSchemaAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await base.ReadSchemaAsync(cancellationToken);
        }
        catch (PostgresException fault) when (fault.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InsufficientPrivilege)
        {
            return SchemaState.Outdated;
        }
    }

    private static bool IsUnavailable(Exception fault, CancellationToken cancellationToken) =>
        !cancellationToken.IsCancellationRequested && PostgresFaults.IsUnavailable(fault);

    private static async Task<bool> TakeAsync(NpgsqlConnection connection, AdvisoryLock wanted, bool wait)
    {
        if (!wait)
        {
            return await connection.ExecuteScalarAsync<bool>(
                $"SELECT pg_try_advisory_xact_lock({wanted.Arguments})", new { name = wanted.Name });
        }

        await connection.ExecuteAsync($"SELECT pg_advisory_xact_lock({wanted.Arguments})", new { name = wanted.Name });
        return true;
    }

    private async Task<T> WriteOnceAsync<T>(Func<Work, Task<T>> body, CancellationToken cancellationToken)
    {
        await using var connection = await _writers.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        var work = new Work(this, connection, (wanted, wait) => TakeAsync(connection, wanted, wait));
        var result = await body(work);
        if (work.Discarded)
        {
            await transaction.RollbackAsync(CancellationToken.None);
            return result;
        }

        foreach (var (channel, payload) in work.Notifications)
        {
            await connection.ExecuteAsync("SELECT pg_notify(@channel, @payload)", new { channel, payload });
        }

        // From here on the outcome is the server's: a caller who goes away must not leave it unknown.
        await transaction.CommitAsync(CancellationToken.None);
        work.Committed(deliverLocally: false);
        return result;
    }
}
