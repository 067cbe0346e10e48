using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace Caracal.Storage.Sqlite;

/// <summary>
/// The single writer. Works that wait together share one transaction, each inside a savepoint of its own, and every
/// caller goes on only after the shared commit has reached the disk.
/// </summary>
internal sealed class SqliteWriter : IDisposable
{
    private const int LargestBatch = 128;

    private readonly SqliteDatabase _database;
    private readonly SqliteConnection _connection;
    private readonly BlockingCollection<Unit> _queue = new(boundedCapacity: 16_384);
    private readonly Thread _thread;

    public SqliteWriter(SqliteDatabase database, SqliteConnection connection)
    {
        _database = database;
        _connection = connection;
        _thread = new Thread(Run) { IsBackground = true, Name = "sqlite-writer" };
        _thread.Start();
    }

    public Task<T> RunAsync<T>(Func<Work, Task<T>> body, CancellationToken cancellationToken)
    {
        var unit = new Unit<T>(body, cancellationToken);
        try
        {
            _queue.Add(unit, cancellationToken);
        }
        catch (InvalidOperationException closed)
        {
            throw new StorageUnavailableException("the store is closing", closed);
        }

        return unit.Task;
    }

    public void Dispose()
    {
        _queue.CompleteAdding();
        _thread.Join();
        _queue.Dispose();
        _connection.Dispose();
    }

    private void Run()
    {
        var batch = new List<Unit>(LargestBatch);
        foreach (var first in _queue.GetConsumingEnumerable())
        {
            batch.Clear();
            batch.Add(first);
            while (batch.Count < LargestBatch && _queue.TryTake(out var next))
            {
                batch.Add(next);
            }

            Commit(batch);
        }
    }

    private void Commit(List<Unit> batch)
    {
        try
        {
            SqliteDatabase.Execute(_connection, "BEGIN IMMEDIATE");
            foreach (var unit in batch)
            {
                RunOne(unit);
            }

            SqliteDatabase.Execute(_connection, "COMMIT");
        }
        catch (Exception fault)
        {
            Abandon();
            var reported = fault is SqliteException sqlite && SqliteFaults.IsUnavailable(sqlite)
                ? new StorageUnavailableException("the store cannot be written", fault)
                : fault;
            batch.ForEach(unit => unit.Fail(reported));
            return;
        }

        batch.ForEach(unit => unit.Complete());
    }

    private void RunOne(Unit unit)
    {
        SqliteDatabase.Execute(_connection, "SAVEPOINT unit");
        var work = new Work(_database, _connection, static _ => Task.CompletedTask);
        if (!unit.Execute(work) || work.Discarded)
        {
            SqliteDatabase.Execute(_connection, "ROLLBACK TO unit");
        }

        SqliteDatabase.Execute(_connection, "RELEASE unit");
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

    private abstract class Unit
    {
        /// <summary>Runs the body; false when it threw, in which case its changes are rolled back and the caller gets the exception.</summary>
        public abstract bool Execute(Work work);

        public abstract void Complete();

        public abstract void Fail(Exception fault);
    }

    private sealed class Unit<T>(Func<Work, Task<T>> body, CancellationToken cancellationToken) : Unit
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

            if (!_work!.Discarded)
            {
                _work.Committed();
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
