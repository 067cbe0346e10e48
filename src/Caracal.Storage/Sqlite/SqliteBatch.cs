using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Caracal.Storage.Sqlite;

/// <summary>
/// One transaction for the works of many callers: each runs in a savepoint of its own, so that who is refused takes nobody
/// along. Used by <see cref="SqliteWriter"/>, one batch at a time.
/// </summary>
internal sealed class SqliteBatch(SqliteDatabase database, KeepingConnection connection)
{
    private bool _syncs = true;

    /// <summary>
    /// Runs the batch and commits it; <paramref name="takeWaiting"/> adds to the batch who came meanwhile, and says whether
    /// anybody did. When it throws, the batch is rolled back, unless its commit failed late: then nobody knows.
    /// </summary>
    public void Write(List<SqliteWrite> batch, Func<bool> takeWaiting)
    {
        try
        {
            SyncOnCommit(!batch.TrueForAll(unit => unit.Kind == WriteKind.Issue));
            SqliteDatabase.Execute(connection, "BEGIN IMMEDIATE");
            Run(batch, takeWaiting);
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    // Alone in its transaction, a work needs no savepoint to be rolled back without others.
    private void Run(List<SqliteWrite> batch, Func<bool> takeWaiting)
    {
        var done = 0;
        if (batch.Count == 1)
        {
            var work = NewWork();
            if (!Execute(batch[0], work) || work.Discarded)
            {
                SqliteDatabase.Execute(connection, "ROLLBACK");
                return;
            }

            done = 1;
        }

        done = RunFrom(batch, done);

        // Who came meanwhile comes along: that costs the first less than another commit costs everybody. Once, so that nobody
        // waits for ever; and not into a transaction that is not synced.
        if (_syncs && takeWaiting())
        {
            RunFrom(batch, done);
        }

        SqliteDatabase.Execute(connection, "COMMIT");
    }

    // Each in a savepoint of its own; returns where the next round begins.
    private int RunFrom(List<SqliteWrite> batch, int first)
    {
        for (var i = first; i < batch.Count; i++)
        {
            var (unit, work) = (batch[i], NewWork());
            if (unit is IssuedWrite)
            {
                Execute(unit, work); // Of an issue that fails, the half that holds harms nobody.
                continue;
            }

            SqliteDatabase.Execute(connection, "SAVEPOINT unit");
            if (!Execute(unit, work) || work.Discarded)
            {
                SqliteDatabase.Execute(connection, "ROLLBACK TO unit");
            }

            SqliteDatabase.Execute(connection, "RELEASE unit");
        }

        return batch.Count;
    }

    private bool Execute(SqliteWrite unit, Work work)
    {
        connection.Allowed = ExchangeFactTables.MostOf(unit.Kind);
        try
        {
            return unit.Execute(work);
        }
        finally
        {
            connection.Allowed = FactChange.Authority;
        }
    }

    private Work NewWork() => new(database, connection, static (_, _) => Task.FromResult(true));

    // SQLite takes this between transactions only. The log keeps its order, so the next synced commit covers this one.
    private void SyncOnCommit(bool sync)
    {
        if (_syncs == sync)
        {
            return;
        }

        var answer = raw.sqlite3_exec(connection.Handle, sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
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
            SqliteDatabase.Execute(connection, "ROLLBACK");
        }
        catch (SqliteException)
        {
            // No transaction was open.
        }
    }
}
