using System.Collections.Concurrent;
using System.Data;
using System.Data.Common;
using Caracal.Storage.Leadership;
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
    private static readonly TimeSpan LeavingStep = TimeSpan.FromMilliseconds(700);

    private readonly PostgresSettings _settings;
    private readonly PostgresPools _pools;
    private readonly PlanAging _plans = new();
    private readonly PostgresGroups _groups;
    private readonly PostgresListener _listener;
    private readonly ConcurrentDictionary<long, TaskCompletionSource> _leads = new();
    private readonly AsyncLocal<string?> _zone = new();
    private volatile NpgsqlDataSource _apart;

    /// <param name="address">The server, the database and this service's login.</param>
    /// <param name="settings">Whose connections these are, and their limits.</param>
    public PostgresDatabase(PostgresAddress address, PostgresSettings settings)
        : base(new PostgresDialect())
    {
        _settings = settings;
        _pools = new PostgresPools(address, settings);
        _groups = new PostgresGroups(() => _pools.Writers, _plans);
        _apart = PostgresConnections.Apart(address, settings);
        _listener = new PostgresListener(_apart, Deliver);
    }

    /// <summary>How busy the pools of this service and instance are.</summary>
    public PoolFigures Pool => _pools.Figures;

    /// <summary>
    /// From now on enters with another login or password, as soon as that is let in: first requests, then who listens, and who
    /// leads steps down to lead again, one job after the other.
    /// </summary>
    /// <returns>True when requests have and everybody else was told to; false when another login came before that, or the end.</returns>
    public Task<bool> EnterAsync(PostgresAddress address) => _pools.EnterAsync(address, cancellationToken => LeaveAsync(address, cancellationToken));

    public override Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default) =>
        ReadAgainAsync(
            async connection =>
            {
                await using var transaction = await RestrictAsync(connection, null);
                return await query(connection);
            },
            cancellationToken);

    public override Task<T> ReadSnapshotAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default) =>
        ReadAgainAsync(
            async connection =>
            {
                await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
                await RestrictAsync(connection, transaction);
                return await query(connection);
            },
            cancellationToken);

    public override async Task<T> WriteAsync<T>(WriteKind kind, Func<Work, Task<T>> body, CancellationToken cancellationToken = default)
    {
        for (var attempt = 1; ; attempt++)
        {
            var progress = new WriteProgress();
            var writers = _pools.Writers;
            try
            {
                return await WriteOnceAsync(writers, body, progress, cancellationToken);
            }
            catch (Exception fault) when (!progress.IsCommitting && PostgresFaults.IsWorthAnotherConnection(fault, attempt))
            {
                // Nothing can have been committed, so the same again on a connection that is not from before the restart.
                writers.Clear();
            }
            catch (PostgresException fault) when (PostgresFaults.IsWorthAnotherTry(fault) && attempt < Tries)
            {
                var milliseconds = (10 << attempt) * (0.5 + Random.Shared.NextDouble());
                await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), cancellationToken);
            }
            catch (Exception fault) when (IsUnavailable(fault, cancellationToken))
            {
                throw Unavailable("the store cannot be written", fault);
            }
        }
    }

    public override async Task<int[]> ChangeAsync(Change change, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return await _groups.RunAsync(change);
        }
        catch (Exception fault) when (PostgresFaults.IsBroken(fault))
        {
            // It may have been committed, so it is not sent again.
            throw Unavailable("the store did not say whether it wrote", fault);
        }
        catch (Exception fault) when (PostgresFaults.IsUnavailable(fault))
        {
            throw Unavailable("the store cannot be written", fault);
        }
    }

    public override async Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) =>
        await ReadAsync(
            async connection => new DateTimeOffset(await connection.QuerySingleAsync<DateTime>("SELECT clock_timestamp()"), TimeSpan.Zero),
            cancellationToken);

    public override async Task<ILead?> TryLeadAsync(AdvisoryLock wanted, CancellationToken cancellationToken)
    {
        var key = wanted.Key ?? throw new ArgumentException("a job is led by its number", nameof(wanted));
        var source = _apart;
        var ending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            var lead = await PostgresLead.TryTakeAsync(source, key, ending, cancellationToken);
            if (lead is null) return null;
            _leads[key] = ending;
            if (_apart != source) ending.TrySetResult(); // Its login went meanwhile.
            return lead;
        }
        catch (Exception fault) when (IsUnavailable(fault, cancellationToken))
        {
            throw Unavailable("the store gives no lead", fault);
        }
    }

    public override IDisposable Listen(string channel, Action<string> handler)
    {
        var subscription = base.Listen(channel, handler);
        _listener.Add(channel);
        return subscription;
    }

    public override IDisposable? RestrictTo(string zoneId)
    {
        var outer = _zone.Value;
        _zone.Value = zoneId;
        return new Restriction(this, outer);
    }

    public override async ValueTask DisposeAsync()
    {
        await _pools.DisposeAsync();
        await _listener.DisposeAsync();
    }

    // Each opens a connection and reads what its job is about anew: all at once they would keep every request waiting.
    private async Task LeaveAsync(PostgresAddress address, CancellationToken cancellationToken)
    {
        _apart = PostgresConnections.Apart(address, _settings);
        _listener.Use(_apart);
        foreach (var lead in _leads.Where(lead => !lead.Value.Task.IsCompleted).ToArray())
        {
            await Task.Delay(LeavingStep, cancellationToken);
            if (_leads.TryRemove(lead)) lead.Value.TrySetResult();
        }
    }

    // Of the transaction alone: the connection goes back into the pool seeing every zone again.
    private async Task<NpgsqlTransaction?> RestrictAsync(NpgsqlConnection connection, NpgsqlTransaction? transaction)
    {
        if (_zone.Value is not { } zone)
        {
            return null;
        }

        transaction ??= await connection.BeginTransactionAsync();
        await connection.ExecuteAsync("SELECT set_config('caracal.zone_id', @zone, true)", new { zone });
        return transaction;
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

    // A deadlock says nothing about the server, so the figures of its connections leave it out.
    private StorageUnavailableException Unavailable(string message, Exception fault)
    {
        if (fault is not PostgresException conflict || !PostgresFaults.IsWorthAnotherTry(conflict)) Pool.Failed(fault);
        return new StorageUnavailableException(message, fault) { RefusedThis = PostgresFaults.RefusesOnlyThis(fault) };
    }

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

    // A pooled connection may be one that the server has ended meanwhile: that is no reason to refuse anybody.
    private async Task<T> ReadAgainAsync<T>(Func<NpgsqlConnection, Task<T>> query, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var readers = _pools.Readers;
            try
            {
                await using var connection = await readers.OpenConnectionAsync(cancellationToken);
                await _plans.CountAsync(connection);
                return await query(connection);
            }
            catch (Exception fault) when (PostgresFaults.IsWorthAnotherConnection(fault, attempt))
            {
                readers.Clear();
            }
            catch (Exception fault) when (IsUnavailable(fault, cancellationToken))
            {
                throw Unavailable("the store cannot be read", fault);
            }
        }
    }

    private async Task<T> WriteOnceAsync<T>(NpgsqlDataSource writers, Func<Work, Task<T>> body, WriteProgress progress, CancellationToken cancellationToken)
    {
        await using var connection = await writers.OpenConnectionAsync(cancellationToken);
        await _plans.CountAsync(connection);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        await RestrictAsync(connection, transaction);
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

        progress.IsCommitting = true;

        // From here on the outcome is the server's: a caller who goes away must not leave it unknown.
        await transaction.CommitAsync(CancellationToken.None);
        work.Committed(deliverLocally: false);
        return result;
    }

    private sealed class WriteProgress
    {
        public bool IsCommitting { get; set; }
    }

    private sealed class Restriction(PostgresDatabase database, string? outer) : IDisposable
    {
        public void Dispose() => database._zone.Value = outer;
    }
}
