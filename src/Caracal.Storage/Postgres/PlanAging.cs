using System.Collections.Concurrent;
using System.Numerics;
using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>
/// Lets each connection forget its plans after 16, 32, 64 … uses. The server keeps the plan of a prepared statement as it
/// was made, and one made while the tables were empty finds every index as good as the key; it would read a whole zone on
/// every call until the server next gathers statistics, a minute or more later.
/// </summary>
internal sealed class PlanAging
{
    private const int First = 16;

    /// <summary>By then the tables are large enough for the plan to be right, or the server's own statistics have come.</summary>
    private const int Last = 1 << 16;

    /// <summary>Connections remembered; beyond it all are counted anew, which costs each a few plans.</summary>
    private const int Largest = 1000;

    private readonly ConcurrentDictionary<int, int> _uses = new();

    /// <summary>Counts one use of an open connection that is in no transaction yet.</summary>
    public ValueTask CountAsync(NpgsqlConnection connection)
    {
        var uses = _uses.AddOrUpdate(connection.ProcessID, 1, static (_, before) => before < Last ? before + 1 : Last + 1);
        return uses is >= First and <= Last && BitOperations.IsPow2(uses) ? new ValueTask(ForgetAsync(connection)) : ValueTask.CompletedTask;
    }

    private async Task ForgetAsync(NpgsqlConnection connection)
    {
        if (_uses.Count > Largest)
        {
            _uses.Clear();
        }

        await using var command = new NpgsqlCommand("DISCARD PLANS", connection);
        await command.ExecuteNonQueryAsync();
    }
}
