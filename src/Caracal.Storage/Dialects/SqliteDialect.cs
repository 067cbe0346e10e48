using System.Collections.Concurrent;
using System.Data.Common;
using System.Text;
using System.Text.Json;
using Caracal.Storage.Sqlite;

namespace Caracal.Storage;

/// <summary>SQLite: times are INTEGER microseconds since the epoch, lists and documents are JSON text.</summary>
internal sealed class SqliteDialect : ISqlDialect
{
    // As many as the stores that insert in bulk.
    private static readonly ConcurrentDictionary<string, (string Sql, string[] Names)> BulkTexts = new(StringComparer.Ordinal);

    public string Name => "sqlite";

    public string ForUpdateSkipLocked => "";

    public string ForUpdate => "";

    // The largest INTEGER: every real time sorts before it.
    public string Infinity => "9223372036854775807";

    public string TranslateTypes(string migration) => migration
        .Replace("{time}", "INTEGER", StringComparison.Ordinal)
        .Replace("{json}", "TEXT", StringComparison.Ordinal)
        .Replace("{texts}", "TEXT", StringComparison.Ordinal)
        .Replace("{bytes}", "BLOB", StringComparison.Ordinal)
        .Replace("{bool}", "INTEGER", StringComparison.Ordinal)
        .Replace("{false}", "0", StringComparison.Ordinal)
        .Replace("{true}", "1", StringComparison.Ordinal);

    public string ZoneVersionTriggers(string table) => string.Concat(
        new[] { ("insert", "NEW"), ("update", "NEW"), ("delete", "OLD") }.Select(t => $"""
            CREATE TRIGGER {table}_version_{t.Item1} AFTER {t.Item1.ToUpperInvariant()} ON {table}
            BEGIN INSERT INTO zone_versions (zone_id, version) VALUES ({t.Item2}.zone_id, 1)
                  ON CONFLICT (zone_id) DO UPDATE SET version = zone_versions.version + 1; END;

            """));

    public string AnyOf(string column, string parameter) => $"{column} IN {parameter}";

    public string AnyOfBound(string column, string parameter) => $"{column} IN (SELECT value FROM json_each({parameter}))";

    public bool HasOneWriter => true;

    public bool PartitionsLedger => false;

    public string DropLedgerRows =>
        "DELETE FROM audit_events WHERE zone_id = @zone AND chain_seq > @after AND chain_seq <= @upTo AND +occurred_at >= @start AND +occurred_at < @end";

    public string FilterBy(string column) => "+" + column;

    public object ListValue(IReadOnlyCollection<string> values) =>
        JsonSerializer.Serialize([.. values], StringListContext.Default.StringArray);

    public async Task InsertManyAsync(DbConnection connection, BulkInsert insert)
    {
        var (sql, names) = BulkTexts.GetOrAdd(insert.Head, static (_, bulk) => TextOf(bulk), insert);
        var done = ((KeepingConnection)connection).Run(sql, names, insert.Rows);
        if (done == insert.Rows.Count)
        {
            return;
        }

        var command = PreparedStatements.Get(connection, sql, names);
        foreach (var row in insert.Rows.Skip(done))
        {
            for (var i = 0; i < row.Length; i++)
            {
                command.Set(i, row[i] switch
                {
                    DateTimeOffset time => Instants.ToMicroseconds(time),
                    ReadOnlyMemory<byte> text => Encoding.UTF8.GetString(text.Span),
                    var value => value,
                });
            }

            await command.ExecuteNonQueryAsync();
        }
    }

    private static (string Sql, string[] Names) TextOf(BulkInsert insert)
    {
        var names = insert.Columns.Select(column => "@" + column.Name).ToArray();
        return ($"{insert.Head} ({string.Join(", ", insert.Columns.Select(column => column.Name))}) VALUES ({string.Join(", ", names)}) {insert.Tail}", names);
    }

    public string AddSeconds(string time, string seconds) => $"({time} + {seconds} * 1000000)";

    public string JsonText(string column, string key) => $"json_extract({column}, '$.{key}')";

    public string EventMember(string key) => JsonText("metadata_json", key);

    public string ArrayContains(string column, string parameter) =>
        $"EXISTS (SELECT 1 FROM json_each({column}) WHERE json_each.value = {parameter})";

    public string JsonArrayContains(string column, string key, string parameter) =>
        $"EXISTS (SELECT 1 FROM json_each({column}, '$.{key}') WHERE json_each.value = {parameter})";
}
