using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Caracal.Storage.Sqlite;

/// <summary>
/// The single writer. Whoever finds nobody writing writes at once, on its own thread; works that arrive meanwhile share
/// the next transaction, each inside a savepoint of its own, and every caller goes on only after the commit that holds
/// its work has reached the disk.
/// </summary>
internal sealed class SqliteWriter : IDisposable
{
    private const int LargestBatch = 128;

    private readonly Lock _gate = new();
    private readonly SqliteDatabase _database;
    private readonly SqliteConnection _connection;
    private readonly Queue<Unit> _waiting = new();
    private readonly List<Unit> _batch = new(LargestBatch);
    private long _authorityVersion;
    private bool _syncs = true;
    private bool _writing;
    private bool _closed;

    public SqliteWriter(SqliteDatabase database, SqliteConnection connection)
    {
        _database = database;
        _connection = connection;
    }

    public long AuthorityVersion => Interlocked.Read(ref _authorityVersion);

    public Task<T> RunAsync<T>(WriteKind kind, Func<Work, Task<T>> body, CancellationToken cancellationToken)
    {
        var unit = new Unit<T>(kind, body, cancellationToken);
        lock (_gate)
        {
            if (_closed)
            {
                throw new StorageUnavailableException("the store is closing");
            }

            _waiting.Enqueue(unit);
            if (_writing)
            {
                return unit.Task;
            }

            _writing = true;
        }

        WriteNext();
        return unit.Task;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
        }

        // What was taken before the close still commits.
        SpinWait.SpinUntil(() =>
        {
            lock (_gate)
            {
                return !_writing;
            }
        });
        _connection.Dispose();
    }

    // One batch, then the next goes to the thread pool: a caller does its own work, not everybody's for ever.
    private void WriteNext()
    {
        lock (_gate)
        {
            while (_batch.Count < LargestBatch && _waiting.TryDequeue(out var next))
            {
                _batch.Add(next);
            }
        }

        Commit();
        _batch.Clear();
        lock (_gate)
        {
            _writing = _waiting.Count > 0;
            if (!_writing)
            {
                return;
            }
        }

        ThreadPool.UnsafeQueueUserWorkItem(static writer => writer.WriteNext(), this, preferLocal: false);
    }

    private void Commit()
    {
        try
        {
            SyncOnCommit(!_batch.TrueForAll(unit => unit.Kind == WriteKind.Issue));
            SqliteDatabase.Execute(_connection, "BEGIN IMMEDIATE");
            if (_batch.Count == 1)
            {
                RunAlone(_batch[0]);
            }
            else
            {
                RunTogether();
            }

            CountAuthority();
        }
        catch (Exception fault)
        {
            Abandon();
            CountAuthority(); // A commit that failed late may have happened after all.
            var reported = fault is SqliteException sqlite && SqliteFaults.IsUnavailable(sqlite)
                ? new StorageUnavailableException("the store cannot be written", fault)
                : fault;
            _batch.ForEach(unit => unit.Fail(reported));
            return;
        }

        _batch.ForEach(unit => unit.Complete());
    }

    // Alone in its transaction, a work needs no savepoint to be rolled back without others.
    private void RunAlone(Unit unit)
    {
        var work = NewWork();
        SqliteDatabase.Execute(_connection, unit.Execute(work) && !work.Discarded ? "COMMIT" : "ROLLBACK");
    }

    private void RunTogether()
    {
        foreach (var unit in _batch)
        {
            SqliteDatabase.Execute(_connection, "SAVEPOINT unit");
            var work = NewWork();
            if (!unit.Execute(work) || work.Discarded)
            {
                SqliteDatabase.Execute(_connection, "ROLLBACK TO unit");
            }

            SqliteDatabase.Execute(_connection, "RELEASE unit");
        }

        SqliteDatabase.Execute(_connection, "COMMIT");
    }

    private Work NewWork() => new(_database, _connection, static (_, _) => Task.FromResult(true));

    // Before any caller hears of the commit: whoever asks after its answer must not find what was read before it.
    private void CountAuthority()
    {
        if (_batch.Exists(unit => unit.Kind == WriteKind.Authority))
        {
            Interlocked.Increment(ref _authorityVersion);
        }
    }

    // SQLite takes this between transactions only. The log keeps its order, so the next synced commit covers this one.
    private void SyncOnCommit(bool sync)
    {
        if (_syncs == sync)
        {
            return;
        }

        var answer = raw.sqlite3_exec(_connection.Handle, sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
        if (answer != raw.SQLITE_OK)
        {
            throw new StorageUnavailableException($"the store refused its durability setting (SQLite {answer})");
        }

        _syncs = sync;
    }

    // After a failed BEGIN there is nothing to roll back; after a failed COMMIT there may be.
    private void Abandon()
    {
        try
        {
            SqliteDatabase.Execute(_connection, "ROLLBACK");
        }
        catch (SqliteException)
        {
            // No transaction was open.
        }
    }

    private abstract class Unit(WriteKind kind)
    {
        public WriteKind Kind => kind;

        /// <summary>Runs the body; false when it threw, in which case its changes are rolled back and the caller gets the exception.</summary>
        public abstract bool Execute(Work work);

        public abstract void Complete();

        public abstract void Fail(Exception fault);
    }

    private sealed class Unit<T>(WriteKind kind, Func<Work, Task<T>> body, CancellationToken cancellationToken) : Unit(kind)
    {
        private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Work? _work;
        private Exception? _fault;
        private T? _result;

        public Task<T> Task => _completion.Task;

        public override bool Execute(Work work)
        {
            try
            {
                cancellationToken.ThrowIfCancellationRequested();
                _result = body(work).GetAwaiter().GetResult();
                _work = work;
                return true;
            }
            catch (Exception fault) when (fault is not SqliteException sqlite || !SqliteFaults.IsUnavailable(sqlite))
            {
                _fault = fault;
                return false;
            }
        }

        public override void Complete()
        {
            if (_fault is not null)
            {
                Fail(_fault);
                return;
            }

            try
            {
                if (!_work!.Discarded)
                {
                    _work.Committed(deliverLocally: true);
                }
            }
            catch (Exception fault)
            {
                // A listener's fault is its caller's to see; the work is committed and the writer goes on.
                _completion.SetException(fault);
                return;
            }

            _completion.SetResult(_result!);
        }

        public override void Fail(Exception fault)
        {
            if (fault is OperationCanceledException)
            {
                _completion.TrySetCanceled(cancellationToken.IsCancellationRequested ? cancellationToken : CancellationToken.None);
            }
            else
            {
                _completion.TrySetException(_fault ?? fault);
            }
        }
    }
}
