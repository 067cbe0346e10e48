using System.Collections.Immutable;
using Caracal.Storage.Migrations;
using Dapper;
using Npgsql;

namespace Caracal.Storage.Moving;

/// <summary>How far a move got, in a schema of its own that only exists while the move is not complete.</summary>
internal sealed class MoveNotes(NpgsqlConnection connection)
{
    /// <summary>Among the migrations while a store moves: a contract nobody knows, so that no service starts on half of it.</summary>
    public const string Marker = "9999_store_is_moving";

    /// <summary>Begins, or goes on with, the move of this source. Anything else in the target refuses it.</summary>
    public async Task BeginAsync(string source, ImmutableArray<MovedTable> tables)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        if (await connection.ExecuteScalarAsync<bool>("SELECT to_regclass('caracal_move.source') IS NOT NULL"))
        {
            var begun = await connection.ExecuteScalarAsync<string>("SELECT identity FROM caracal_move.source");
            if (begun != source)
            {
                throw new StoreMoveException("another embedded store is being moved into this database; finish that one, or start with an empty database");
            }

            return;
        }

        foreach (var table in tables.Where(table => table.Name != MovePlan.RotationLock))
        {
            if (await connection.ExecuteScalarAsync<bool>($"SELECT EXISTS (SELECT 1 FROM public.{table.Name})"))
            {
                throw new StoreMoveException($"the PostgreSQL store is not empty: {table.Name} has rows; a move needs an empty one");
            }
        }

        await connection.ExecuteAsync(
            """
            CREATE SCHEMA caracal_move;
            CREATE TABLE caracal_move.source (identity text NOT NULL);
            CREATE TABLE caracal_move.tables (name text PRIMARY KEY, last text NOT NULL, moved bigint NOT NULL);
            """);
        await connection.ExecuteAsync("INSERT INTO caracal_move.source (identity) VALUES (@source)", new { source });
        await connection.ExecuteAsync(
            "INSERT INTO public.schema_migrations (version, applied_at, sha256, phase) VALUES (@Marker, now(), '', @Contract)",
            new { Marker, Migration.Contract });
        await transaction.CommitAsync();
    }

    /// <summary>The place of the last row that moved, and how many did.</summary>
    public async Task<(string? Last, long Moved)> ReadAsync(string table) =>
        await connection.QueryFirstOrDefaultAsync<(string?, long)?>(
            "SELECT last, moved FROM caracal_move.tables WHERE name = @table", new { table }) ?? (null, 0);

    public Task WriteAsync(string table, string last, long moved) => connection.ExecuteAsync(
        """
        INSERT INTO caracal_move.tables (name, last, moved) VALUES (@table, @last, @moved)
        ON CONFLICT (name) DO UPDATE SET last = excluded.last, moved = excluded.moved
        """,
        new { table, last, moved });

    public async Task ForgetAsync()
    {
        await using var transaction = await connection.BeginTransactionAsync();
        await connection.ExecuteAsync("DELETE FROM public.schema_migrations WHERE version = @Marker", new { Marker });
        await connection.ExecuteAsync("DROP SCHEMA IF EXISTS caracal_move CASCADE");
        await transaction.CommitAsync();
    }
}
