using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Caracal.Storage.Sqlite;

/// <summary>
/// The embedded engine: WAL, <c>synchronous=FULL</c>, one writer thread that commits what arrives together in one
/// transaction, and a pool of connections that can only read.
/// </summary>
public sealed class SqliteDatabase : Database
{
    private readonly string _connectionString;
    private readonly TimeProvider _time;
    private readonly ConcurrentBag<SqliteConnection> _readers = [];
    private readonly SqliteWriter _writer;
    private volatile bool _disposed;

    /// <summary>Opens, or creates, the database file. Run the migrations before anything else.</summary>
    public SqliteDatabase(string path, TimeProvider time)
        : base(new SqliteDialect())
    {
        SqliteLibrary.EnsureLoaded();
        _time = time;
        _connectionString = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString();
        if (!OperatingSystem.IsWindows() && !File.Exists(path))
        {
            // The ledger and sealed keys are nobody else's business, from the first byte on.
            using var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }

        var writing = Open(readOnly: false);
        writing.WatchFacts();
        _writer = new SqliteWriter(this, writing);
    }

    public override async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default)
    {
        if (_writer.HasOpenIssues)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(_disposed, this);
            await _writer.FlushAsync(cancellationToken);
        }

        return await ReadSettledAsync(query, cancellationToken);
    }

    public override async Task<T> ReadSettledAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_disposed, this);
        var connection = _readers.TryTake(out var idle) ? idle : Open(readOnly: true);
        var healthy = false;
        try
        {
            var result = await query(connection);
            healthy = true;
            return result;
        }
        catch (SqliteException fault) when (SqliteFaults.IsUnavailable(fault))
        {
            throw new StorageUnavailableException("the store cannot be read", fault);
        }
        finally
        {
            Return(connection, healthy);
        }
    }

    public override Task<T> ReadSnapshotAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default) =>
        ReadAsync(connection => AtOneMomentAsync(connection, query), cancellationToken);

    public override Task<T> ReadSettledSnapshotAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default) =>
        ReadSettledAsync(connection => AtOneMomentAsync(connection, query), cancellationToken);

    /// <summary>Whether something was issued that has not been written yet; reads wait for it.</summary>
    public bool HasOpenIssues => _writer.HasOpenIssues;

    public override long? AuthorityVersion => _writer.AuthorityVersion;

    public override Task<T> WriteAsync<T>(WriteKind kind, Func<Work, Task<T>> body, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return _writer.RunAsync(kind, body, cancellationToken);
    }

    public override bool TryIssue(long authorityVersion, ImmutableArray<ChangeStatement> statements) =>
        _writer.TryIssue(authorityVersion, statements);

    // One process, one clock: the embedded database's clock is ours.
    public override Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) =>
        Task.FromResult(_time.GetUtcNow());

    public override ValueTask DisposeAsync()
    {
        _disposed = true;
        _writer.Dispose();
        while (_readers.TryTake(out var connection))
        {
            connection.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    internal static void Execute(SqliteConnection connection, string sql) =>
        PreparedStatements.Get(connection, sql).ExecuteNonQuery();

    private static async Task<T> AtOneMomentAsync<T>(DbConnection connection, Func<DbConnection, Task<T>> query)
    {
        Execute((SqliteConnection)connection, "BEGIN");
        try
        {
            return await query(connection);
        }
        finally
        {
            Execute((SqliteConnection)connection, "COMMIT");
        }
    }

    private void Return(SqliteConnection connection, bool healthy)
    {
        if (healthy && !_disposed)
        {
            _readers.Add(connection);
        }
        else
        {
            connection.Dispose();
        }
    }

    private KeepingConnection Open(bool readOnly)
    {
        var connection = new KeepingConnection(_connectionString);
        try
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText =
                // Pages of 8 KiB, for a file that is new: two ledger rows leave a fifth of a smaller page empty.
                "PRAGMA busy_timeout=5000; PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                + "PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=8000;"
                // In KiB. The writer's holds what a transaction changes; each reader has one of its own.
                + (readOnly ? " PRAGMA cache_size=-2000; PRAGMA query_only=ON;" : " PRAGMA cache_size=-6000;");
            command.ExecuteNonQuery();
            return connection;
        }
        catch (SqliteException fault)
        {
            connection.Dispose();
            throw new StorageUnavailableException("the store cannot be opened", fault);
        }
    }
}
