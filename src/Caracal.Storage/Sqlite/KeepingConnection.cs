using System.Data.Common;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Caracal.Storage.Sqlite;

/// <summary>
/// A connection that keeps what it has prepared: to prepare a statement of the Coordinator costs several times what it
/// costs to run it. It has one user at a time, like every connection of ours.
/// </summary>
internal sealed class KeepingConnection(string connectionString) : SqliteConnection(connectionString)
{
    // Far above what the stores say in all; only texts made for one call would ever reach it.
    private const int MostKept = 512;

    private readonly Dictionary<string, KeptStatement> _idle = new(StringComparer.Ordinal);
    private readonly HashSet<KeptStatement> _taken = [];
    private FactChange _saw;

    /// <summary>
    /// A statement that would change more of what an exchange is decided on is refused, also where a trigger of it would: the work
    /// in progress has said that it does not, and exchanges go on meanwhile because it has.
    /// </summary>
    public FactChange Allowed { get; set; } = FactChange.Authority;

    /// <summary>From now on the connection knows of each statement whether it changes facts; for the one that writes.</summary>
    public void WatchFacts()
    {
        if (raw.sqlite3_set_authorizer(Handle, static (connection, action, table, _, _, _) => ((KeepingConnection)connection).Judge(action, table), this) != raw.SQLITE_OK)
        {
            throw new StorageUnavailableException("the store does not say what its statements change");
        }
    }

    protected override DbCommand CreateDbCommand() => new KeptCommand(this);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Forget();
            foreach (var statement in _taken)
            {
                statement.Dispose();
            }

            _taken.Clear();
        }

        base.Dispose(disposing);
    }

    /// <summary>A prepared statement of this text that nobody uses, or a new one; null when the provider has to run the text.</summary>
    internal KeptStatement? Take(string text)
    {
        if (!_idle.Remove(text, out var statement))
        {
            _saw = FactChange.None;
            if ((statement = KeptStatement.TryPrepare(this, text)) is null)
            {
                return null;
            }

            statement.FactChange = _saw;
        }

        _taken.Add(statement);
        return statement;
    }

    /// <summary>
    /// Runs a statement for each of these rows without making a command for it; returns how many it did, which is fewer than all when
    /// the provider has to run the next.
    /// </summary>
    /// <param name="text">The statement, of which no result is read.</param>
    /// <param name="names">What its parameters are called; a constant of the store.</param>
    /// <param name="rows">Their values, in that order.</param>
    internal int Run(string text, string[] names, IReadOnlyList<object?[]> rows)
    {
        if (Take(text) is not { } statement)
        {
            return 0;
        }

        try
        {
            Permit(statement);
            for (var done = 0; done < rows.Count; done++)
            {
                if (!statement.TryBind(names, rows[done]) || !statement.TryStart(out var row))
                {
                    return done;
                }

                while (row)
                {
                    row = statement.Step();
                }

                statement.Reset();
            }

            return rows.Count;
        }
        finally
        {
            Keep(statement);
        }
    }

    /// <exception cref="InvalidOperationException">The statement changes more than the work in progress said it would.</exception>
    internal void Permit(KeptStatement statement)
    {
        if (statement.FactChange > Allowed)
        {
            throw new InvalidOperationException("the kind of this work does not allow a change of what exchanges are decided on: " + statement.Text);
        }
    }

    /// <summary>Keeps the statement for whoever says the same next.</summary>
    internal void Keep(KeptStatement statement)
    {
        // Nothing to keep of one that went with its connection.
        if (!_taken.Remove(statement))
        {
            return;
        }

        if (_idle.Count >= MostKept)
        {
            Forget();
        }

        if (!_idle.TryAdd(statement.Text, statement))
        {
            statement.Dispose();
        }
    }

    // Asked by SQLite for everything that a statement it prepares will do.
    private int Judge(int action, utf8z table)
    {
        var change = ExchangeFactTables.Of(action, table);
        _saw = change > _saw ? change : _saw;
        return change > Allowed ? raw.SQLITE_DENY : raw.SQLITE_OK;
    }

    private void Forget()
    {
        foreach (var statement in _idle.Values)
        {
            statement.Dispose();
        }

        _idle.Clear();
    }
}
