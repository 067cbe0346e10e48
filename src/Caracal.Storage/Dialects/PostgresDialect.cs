using System.Data.Common;
using Caracal.Storage.Postgres;
using Npgsql;

namespace Caracal.Storage;

/// <summary>PostgreSQL 15 or newer.</summary>
internal sealed class PostgresDialect : ISqlDialect
{
    public string Name => "postgres";

    public string ForUpdateSkipLocked => "FOR UPDATE SKIP LOCKED";

    public string ForUpdate => "FOR UPDATE";

    public string Infinity => "'infinity'::timestamptz";

    public string TranslateTypes(string migration) => migration
        .Replace("{time}", "timestamptz", StringComparison.Ordinal)
        .Replace("{json}", "jsonb", StringComparison.Ordinal)
        .Replace("{texts}", "text[]", StringComparison.Ordinal)
        .Replace("{bytes}", "bytea", StringComparison.Ordinal)
        .Replace("{bool}", "boolean", StringComparison.Ordinal)
        .Replace("{false}", "false", StringComparison.Ordinal)
        .Replace("{true}", "true", StringComparison.Ordinal);

    public string ZoneVersionTriggers(string table) => $"""
        CREATE TRIGGER {table}_version AFTER INSERT OR UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION raise_zone_version();

        """;

    // Dapper binds a list as one array here and does not spell it out.
    public string AnyOf(string column, string parameter) => $"{column} = ANY ({parameter})";

    public string AnyOfBound(string column, string parameter) => AnyOf(column, parameter);

    public bool HasOneWriter => false;

    public bool PartitionsLedger => true;

    public string DropLedgerRows => "SELECT audit_partition_drop(@name)";

    // A month is a table, and its planner knows how large.
    public string FilterBy(string column) => column;

    public object ListValue(IReadOnlyCollection<string> values) => values as string[] ?? [.. values];

    public Task InsertManyAsync(DbConnection connection, BulkInsert insert) =>
        PostgresBulkInsert.RunAsync((NpgsqlConnection)connection, insert);

    public string AddSeconds(string time, string seconds) => $"({time} + {seconds} * interval '1 second')";

    public string JsonText(string column, string key) => $"({column} ->> '{key}')";

    // Columns of their own, which an index can serve under row-level security.
    public string EventMember(string key) => key;

    public string ArrayContains(string column, string parameter) => $"{parameter} = ANY ({column})";

    public string JsonArrayContains(string column, string key, string parameter) =>
        $"({column} -> '{key}') @> to_jsonb({parameter}::text)";
}
