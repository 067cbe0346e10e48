using System.Diagnostics;
using System.Net.Sockets;
using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>
/// Makes the connections of a new pool before anybody asks for them. What a connection does first is slow: the server starts a
/// process, checks the password and reads its catalogue table by table. So one is opened after the other, with as long a rest
/// as it took, and each plans what the connections of the old pool have prepared, without running it.
/// </summary>
internal static class PoolWarming
{
    private const string Prepared = "SELECT statement, parameter_types::text[] FROM pg_prepared_statements WHERE NOT from_sql";

    // A pool that is not warm in this time serves as it is.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    // A pool that gives nothing in this time is busy, and there will be less to warm.
    private static readonly TimeSpan OldLimit = TimeSpan.FromSeconds(1);

    /// <summary>Returns when that many connections are open, or when the time is up or something fails.</summary>
    /// <param name="old">Whose statements are planned.</param>
    /// <param name="fresh">Whose connections are opened.</param>
    /// <param name="connections">How many, one at least.</param>
    /// <param name="plan">Whether each shall plan at all: one that makes a plan at every use has nothing to keep.</param>
    /// <param name="cancellationToken">The end of the database.</param>
    /// <returns>Whether the old pool still lets in, and why the fresh one does not; null when it does.</returns>
    public static async Task<(bool OldOpens, Exception? Refused)> RunAsync(
        NpgsqlDataSource old, NpgsqlDataSource fresh, int connections, bool plan, CancellationToken cancellationToken)
    {
        var (oldOpens, statements) = await FindStatementsAsync(old, cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        var opened = new List<NpgsqlConnection>();
        try
        {
            while (opened.Count < connections)
            {
                // Held until all are there: one that was given back would be handed out again.
                var start = Stopwatch.GetTimestamp();
                var connection = await fresh.OpenConnectionAsync(limit.Token);
                opened.Add(connection);
                if (plan) await PlanAsync(connection, statements, limit.Token);
                await Task.Delay(Stopwatch.GetElapsedTime(start), limit.Token);
            }

            return (oldOpens, null);
        }
        catch (Exception fault) when (IsExpected(fault))
        {
            // Cold, not wrong, when it opened at all.
            cancellationToken.ThrowIfCancellationRequested();
            return (oldOpens, opened.Count == 0 ? fault : null);
        }
        finally
        {
            foreach (var connection in opened) await connection.DisposeAsync();
        }
    }

    /// <summary>What can go wrong where a connection is opened.</summary>
    internal static bool IsExpected(Exception fault) =>
        fault is NpgsqlException or TimeoutException or OperationCanceledException or InvalidOperationException or IOException or SocketException;

    private static async Task<(bool Opens, IReadOnlyList<(string Text, string[] Types)> Statements)> FindStatementsAsync(NpgsqlDataSource old, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(OldLimit);
        try
        {
            return (true, await StatementsAsync(old, limit.Token));
        }
        catch (Exception fault) when (IsExpected(fault))
        {
            cancellationToken.ThrowIfCancellationRequested();
            return (fault is not NpgsqlException, []);
        }
    }

    private static async Task<IReadOnlyList<(string Text, string[] Types)>> StatementsAsync(NpgsqlDataSource old, CancellationToken cancellationToken)
    {
        var statements = new List<(string, string[])>();
        await using var connection = await old.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(Prepared, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken)) statements.Add((reader.GetString(0), reader.GetFieldValue<string[]>(1)));
        return statements;
    }

    // Plans for any values, as the statement will have one day: those of null are nothing. What cannot be planned so is met later.
    private static async Task PlanAsync(NpgsqlConnection connection, IReadOnlyList<(string Text, string[] Types)> statements, CancellationToken cancellationToken)
    {
        await ExecuteAsync(connection, ["SET plan_cache_mode = force_generic_plan"], cancellationToken);
        try
        {
            await PlanEachAsync(connection, statements, cancellationToken);
        }
        finally
        {
            // Also when the time is up: the connection is used all the same.
            await ExecuteAsync(connection, ["RESET plan_cache_mode"], CancellationToken.None);
        }
    }

    private static async Task PlanEachAsync(NpgsqlConnection connection, IReadOnlyList<(string Text, string[] Types)> statements, CancellationToken cancellationToken)
    {
        for (var i = 0; i < statements.Count; i++)
        {
            var (text, types) = statements[i];
            var (declared, given) = types.Length == 0
                ? ("", "")
                : ($"({string.Join(", ", types)})", $"({string.Join(", ", types.Select(_ => "NULL"))})");
            try
            {
                await ExecuteAsync(connection, [$"PREPARE warm{i}{declared} AS {text}", $"EXPLAIN EXECUTE warm{i}{given}", $"DEALLOCATE warm{i}"], cancellationToken);
            }
            catch (PostgresException fault) when (!PostgresFaults.IsUnavailable(fault))
            {
                // Not every statement can be prepared by name.
            }
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, IReadOnlyList<string> statements, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var statement in statements) batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }
}
