using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace Caracal.Storage.Postgres;

/// <summary>
/// Many rows as one statement: every column travels as one binary array. COPY would be the usual way, but PostgreSQL
/// refuses it on a table whose row-level security binds the writer (docs/decisions/0008).
/// </summary>
internal static class PostgresBulkInsert
{
    // The texts are as many as the stores that insert in bulk.
    private static readonly ConcurrentDictionary<string, string> Texts = new(StringComparer.Ordinal);

    public static async Task RunAsync(NpgsqlConnection connection, BulkInsert insert)
    {
        await using var command = new NpgsqlCommand(Texts.GetOrAdd(insert.Head, static (_, bulk) => TextOf(bulk), insert), connection);
        for (var column = 0; column < insert.Columns.Length; column++)
        {
            command.Parameters.Add(ArrayOf(insert, column));
        }

        await command.ExecuteNonQueryAsync();
    }

    private static string TextOf(BulkInsert insert)
    {
        var names = insert.Columns.Select(column => column.Name).ToList();
        var values = insert.Columns.Select(column => column.Type == BulkType.Json ? column.Name + "::jsonb" : column.Name);
        var arrays = insert.Columns.Select((column, i) => string.Create(CultureInfo.InvariantCulture, $"${i + 1}::{TypeOf(column.Type)}[]"));
        return $"{insert.Head} ({string.Join(", ", names)}) SELECT {string.Join(", ", values)} FROM unnest({string.Join(", ", arrays)}) AS many ({string.Join(", ", names)}) {insert.Tail}";
    }

    private static string TypeOf(BulkType type) => type switch
    {
        BulkType.Number => "bigint",
        BulkType.Time => "timestamptz",
        _ => "text",
    };

    private static NpgsqlParameter ArrayOf(BulkInsert insert, int column) => insert.Columns[column].Type switch
    {
        BulkType.Number => Array(insert, column, NpgsqlDbType.Bigint, value => (long?)value),
        BulkType.Time => Array(insert, column, NpgsqlDbType.TimestampTz, value => ((DateTimeOffset?)value)?.UtcDateTime),
        _ => Array(insert, column, NpgsqlDbType.Text, value => value is ReadOnlyMemory<byte> text ? Encoding.UTF8.GetString(text.Span) : (string?)value),
    };

    private static NpgsqlParameter<T[]> Array<T>(BulkInsert insert, int column, NpgsqlDbType type, Func<object?, T> of)
    {
        var values = new T[insert.Rows.Count];
        for (var row = 0; row < values.Length; row++)
        {
            values[row] = of(insert.Rows[row][column]);
        }

        return new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };
    }
}
