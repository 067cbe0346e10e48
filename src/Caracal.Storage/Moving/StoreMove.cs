using System.Globalization;
using Caracal.Storage.Migrations;
using Caracal.Storage.Postgres;
using Caracal.Storage.Sqlite;
using Dapper;
using Npgsql;

namespace Caracal.Storage.Moving;

/// <summary>A store cannot be moved as asked; the text says why and what to do.</summary>
public sealed class StoreMoveException(string message) : Exception(message);

/// <summary>Rows of one table, in both stores.</summary>
public sealed record MovedRows(string Table, long Source, long Target);

/// <summary>
/// Moves an embedded store into PostgreSQL, rows as they are, so that every hash and link of the ledgers still holds. A
/// move that was interrupted goes on where it stopped; each piece is one transaction that also notes how far it got.
/// </summary>
/// <param name="source">The embedded store; nobody else may use it meanwhile.</param>
/// <param name="target">The administrator's address of a migrated and empty database.</param>
public sealed class StoreMove(SqliteDatabase source, PostgresAddress target)
{
    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Rows of one transaction.</summary>
    internal int Piece { get; init; } = 5000;

    /// <summary>Moves everything that is not there yet and returns the row counts of every table.</summary>
    /// <param name="progress">Called after each piece with the table, the rows moved and the rows there are.</param>
    /// <param name="cancellationToken">Stops between two pieces; a later run goes on.</param>
    public async Task<IReadOnlyList<MovedRows>> RunAsync(Action<string, long, long> progress, CancellationToken cancellationToken)
    {
        if (await source.ReadSchemaStateAsync(cancellationToken) != SchemaState.Current)
        {
            throw new StoreMoveException("the embedded store has another schema than this version; start and stop it once with this version");
        }

        await using var data = PostgresConnections.Administrator(target, LockTimeout);
        await using var connection = await data.OpenConnectionAsync(cancellationToken);
        if (await SchemaOfAsync(connection) != SchemaState.Current)
        {
            throw new StoreMoveException("the PostgreSQL schema is not this version's; run caracal migrate first");
        }

        var tables = await MovePlan.ReadAsync(connection);
        var notes = new MoveNotes(connection);
        await notes.BeginAsync(await IdentityAsync(), tables);
        await EnsurePartitionsAsync(connection);
        var rows = new List<MovedRows>();
        foreach (var table in tables)
        {
            rows.Add(await MoveAsync(connection, notes, table, progress, cancellationToken));
        }

        return rows.Find(row => row.Source != row.Target) is { } lost
            ? throw new StoreMoveException($"{lost.Table} has {lost.Source} rows in the embedded store and {lost.Target} in PostgreSQL")
            : rows;
    }

    /// <summary>Forgets how the move went; from here on PostgreSQL is the store, and another move into it is refused.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        await using var data = PostgresConnections.Administrator(target, LockTimeout);
        await using var connection = await data.OpenConnectionAsync(cancellationToken);
        await new MoveNotes(connection).ForgetAsync();
    }

    private static async Task<SchemaState> SchemaOfAsync(NpgsqlConnection connection)
    {
        var exists = await connection.ExecuteScalarAsync<bool>("SELECT to_regclass('public.schema_migrations') IS NOT NULL");
        return exists ? await SchemaCheck.ReadAsync(connection, new PostgresDialect(), except: MoveNotes.Marker) : SchemaState.Outdated;
    }

    // When this very store was made, to the microsecond: a second one would be another.
    private Task<string> IdentityAsync() => source.ReadAsync(async connection => string.Join(
        ',', await connection.QueryAsync<string>("SELECT version || '@' || applied_at FROM schema_migrations ORDER BY version")));

    private async Task EnsurePartitionsAsync(NpgsqlConnection connection)
    {
        var months = await source.ReadAsync(async c => (await c.QueryAsync<string>(
            "SELECT DISTINCT strftime('%Y-%m-01', occurred_at / 1000000, 'unixepoch') FROM audit_events")).AsList());
        foreach (var month in months)
        {
            await connection.ExecuteAsync(
                "SELECT audit_partition_ensure(@day::date)", new { day = DateTime.ParseExact(month, "yyyy-MM-dd", CultureInfo.InvariantCulture) });
        }
    }

    private async Task<MovedRows> MoveAsync(
        NpgsqlConnection connection, MoveNotes notes, MovedTable table, Action<string, long, long> progress, CancellationToken cancellationToken)
    {
        var total = await source.ReadAsync(c => c.ExecuteScalarAsync<long>($"SELECT count(*) FROM {table.Name}"), cancellationToken);
        var place = await MovePlace.OfAsync(source, table.Name);
        var (last, moved) = await notes.ReadAsync(table.Name);
        while (moved < total)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var piece = await place.ReadAsync(source, table, last, Piece);
            if (piece.Count == 0)
            {
                break;
            }

            await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
            await OpenAsync(connection, table, first: moved == 0);
            await CopyAsync(connection, table, piece);
            await CloseAsync(connection, table);
            last = place.Of(piece[^1]);
            moved += piece.Count;
            await notes.WriteAsync(table.Name, last, moved);
            await transaction.CommitAsync(CancellationToken.None);
            progress(table.Name, moved, total);
        }

        return new MovedRows(table.Name, total, await connection.ExecuteScalarAsync<long>($"SELECT count(*) FROM public.{table.Name}"));
    }

    // COPY is refused where row-level security binds the writer, and triggers would count versions that the source has
    // counted. Both hold again before the piece commits, so nobody else ever sees the table without them.
    private static Task OpenAsync(NpgsqlConnection connection, MovedTable table, bool first) => connection.ExecuteAsync(
        $"ALTER TABLE public.{table.Name} DISABLE TRIGGER USER; ALTER TABLE public.{table.Name} NO FORCE ROW LEVEL SECURITY;"
        + (first && MovePlan.IsReplaced(table.Name) ? $"DELETE FROM public.{table.Name};" : ""));

    private static async Task CloseAsync(NpgsqlConnection connection, MovedTable table)
    {
        await connection.ExecuteAsync($"ALTER TABLE public.{table.Name} ENABLE TRIGGER USER");
        if (table.Name == "zones" || table.Columns.Any(column => column.Name == "zone_id"))
        {
            await connection.ExecuteAsync($"ALTER TABLE public.{table.Name} FORCE ROW LEVEL SECURITY");
        }
    }

    private static async Task CopyAsync(NpgsqlConnection connection, MovedTable table, List<object?[]> rows)
    {
        await using var importer = await connection.BeginBinaryImportAsync(
            $"COPY public.{table.Name} ({string.Join(", ", table.Columns.Select(column => column.Name))}) FROM STDIN (FORMAT BINARY)");
        foreach (var row in rows)
        {
            await importer.StartRowAsync();
            for (var i = 0; i < table.Columns.Length; i++)
            {
                await MovedValue.WriteAsync(importer, table.Columns[i].Type, row[i]);
            }
        }

        await importer.CompleteAsync();
    }
}
