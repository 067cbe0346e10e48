using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Caracal.Storage.Sqlite;

/// <summary>
/// A connection that keeps what it has prepared: to prepare a statement of the Coordinator costs several times what it
/// costs to run it. It has one user at a time, like every connection of ours.
/// </summary>
internal sealed class KeepingConnection(string connectionString) : SqliteConnection(connectionString)
{
    // Far above what the stores say in all; only texts made for one call would ever reach it.
    private const int MostKept = 512;

    private readonly Dictionary<string, SqliteCommand> _idle = new(StringComparer.Ordinal);

    protected override DbCommand CreateDbCommand() => new KeptCommand(this);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Forget();
        }

        base.Dispose(disposing);
    }

    /// <summary>A prepared command of this text that nobody uses, or a new one; without parameters.</summary>
    internal SqliteCommand Take(string text) => _idle.Remove(text, out var command) ? command : new SqliteCommand(text, this);

    /// <summary>Keeps the command for whoever says the same next.</summary>
    internal void Keep(SqliteCommand command)
    {
        if (_idle.Count >= MostKept)
        {
            Forget();
        }

        command.Parameters.Clear();
        command.Transaction = null;
        if (!_idle.TryAdd(command.CommandText, command))
        {
            command.Dispose();
        }
    }

    private void Forget()
    {
        foreach (var command in _idle.Values)
        {
            command.Dispose();
        }

        _idle.Clear();
    }
}
