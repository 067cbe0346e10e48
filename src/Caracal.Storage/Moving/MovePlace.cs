using System.Collections.Immutable;
using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using Caracal.Storage.Sqlite;
using Dapper;

namespace Caracal.Storage.Moving;

/// <summary>
/// Where a row stands in its table of the embedded store: in the order it was written, which puts rows after those they
/// refer to, or by its key where the table has no such order.
/// </summary>
internal sealed class MovePlace
{
    private readonly ImmutableArray<string> _keys;

    private MovePlace(ImmutableArray<string> keys) => _keys = keys;

    public static Task<MovePlace> OfAsync(SqliteDatabase source, string table) => source.ReadAsync(async connection =>
        await connection.ExecuteScalarAsync<long>("SELECT wr FROM pragma_table_list WHERE name = @table", new { table }) == 0
            ? new MovePlace(["rowid"])
            : new MovePlace([.. await connection.QueryAsync<string>("SELECT name FROM pragma_table_info(@table) WHERE pk > 0 ORDER BY pk", new { table })]));

    /// <summary>The next rows: their columns, and behind them what makes up their place.</summary>
    public Task<List<object?[]>> ReadAsync(SqliteDatabase source, MovedTable table, string? after, int limit) => source.ReadAsync(async connection =>
    {
        await using var command = connection.CreateCommand();
        var keys = string.Join(", ", _keys);
        var condition = after is null ? "" : $"WHERE ({keys}) > ({Bind(command, after)})";
        command.CommandText = string.Create(
            CultureInfo.InvariantCulture,
            $"SELECT {string.Join(", ", table.Columns.Select(column => column.Name))}, {keys} FROM {table.Name} {condition} ORDER BY {keys} LIMIT {limit}");
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<object?[]>();
        while (await reader.ReadAsync())
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i);
            }

            rows.Add(row);
        }

        return rows;
    });

    /// <summary>The place of a row that <see cref="ReadAsync"/> gave, as text.</summary>
    public string Of(object?[] row) =>
        JsonSerializer.Serialize([.. row[^_keys.Length..].Select(Text)], StringListContext.Default.StringArray);

    private static string Text(object? value) => value is long number ? "#" + number.ToString(CultureInfo.InvariantCulture) : "'" + value;

    private static string Bind(DbCommand command, string place)
    {
        var values = JsonSerializer.Deserialize(place, StringListContext.Default.StringArray)!;
        for (var i = 0; i < values.Length; i++)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = "@k" + i.ToString(CultureInfo.InvariantCulture);
            parameter.Value = values[i][0] == '#' ? long.Parse(values[i].AsSpan(1), CultureInfo.InvariantCulture) : values[i][1..];
            command.Parameters.Add(parameter);
        }

        return string.Join(", ", values.Select((_, i) => "@k" + i.ToString(CultureInfo.InvariantCulture)));
    }
}
