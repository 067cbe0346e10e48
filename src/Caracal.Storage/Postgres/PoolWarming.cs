using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>
/// Makes the connections of a new pool before anybody asks for them. What a connection does first is slow: the server starts a
/// process, checks the password and reads its catalogue table by table. So one is opened after the other, and each prepares
/// and plans what the connections of the old pool have prepared, without running it.
/// </summary>
internal static class PoolWarming
{
    private const string Named = "SELECT quote_ident(name), cardinality(parameter_types) FROM pg_prepared_statements WHERE NOT from_sql";
    private const string Prepared = "SELECT statement, parameter_types::text[] FROM pg_prepared_statements WHERE NOT from_sql";

    // A pool that is not warm in this time serves as it is.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <summary>Returns when that many connections are open, or when the time is up or something fails: requests find out about that themselves.</summary>
    public static async Task RunAsync(NpgsqlDataSource old, NpgsqlDataSource fresh, int connections, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        var opened = new List<NpgsqlConnection>();
        try
        {
            var statements = await StatementsAsync(old, limit.Token);
            while (opened.Count < connections)
            {
                // Held until all are there: one that was given back would be handed out again.
                var connection = await fresh.OpenConnectionAsync(limit.Token);
                opened.Add(connection);
                await PlanAsync(connection, statements, limit.Token);
            }
        }
        catch (Exception fault) when (fault is NpgsqlException or TimeoutException or OperationCanceledException or ObjectDisposedException)
        {
            // Cold, not wrong.
        }
        finally
        {
            foreach (var connection in opened) await connection.DisposeAsync();
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

    // Prepares what this driver will look for by its text, and plans it for any values, as it will be one day: those of null are
    // nothing. What cannot be prepared or planned so is met later.
    private static async Task PlanAsync(NpgsqlConnection connection, IReadOnlyList<(string Text, string[] Types)> statements, CancellationToken cancellationToken)
    {
        await ExecuteAsync(connection, "SET plan_cache_mode = force_generic_plan", cancellationToken);
        foreach (var (text, types) in statements)
        {
            await using var command = new NpgsqlCommand(text, connection);
            foreach (var type in types) command.Parameters.Add(new NpgsqlParameter { DataTypeName = type });
            await TryAsync(() => command.PrepareAsync(cancellationToken));
        }

        foreach (var (name, parameters) in await NamesAsync(connection, cancellationToken))
        {
            var given = parameters == 0 ? "" : $"({string.Join(", ", Enumerable.Repeat("NULL", parameters))})";
            await TryAsync(() => ExecuteAsync(connection, $"EXPLAIN EXECUTE {name}{given}", cancellationToken));
        }

        await ExecuteAsync(connection, "RESET plan_cache_mode", cancellationToken);
    }

    private static async Task TryAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (PostgresException fault) when (!PostgresFaults.IsUnavailable(fault))
        {
            // Not every statement can be prepared by itself.
        }
    }

    private static async Task<IReadOnlyList<(string Name, int Parameters)>> NamesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var names = new List<(string, int)>();
        await using var command = new NpgsqlCommand(Named, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken)) names.Add((reader.GetString(0), reader.GetInt32(1)));
        return names;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string statement, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
