using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace Caracal.Storage.Moving;

/// <summary>How a value of the embedded store is written to PostgreSQL (<see cref="SqliteDialect"/> says how it is kept there).</summary>
internal static class MovedValue
{
    public static Task WriteAsync(NpgsqlBinaryImporter importer, string type, object? value)
    {
        if (value is null or DBNull)
        {
            return importer.WriteNullAsync();
        }

        return type switch
        {
            "text" => importer.WriteAsync((string)value, NpgsqlDbType.Text),
            "bigint" => importer.WriteAsync((long)value, NpgsqlDbType.Bigint),
            "boolean" => importer.WriteAsync((long)value != 0, NpgsqlDbType.Boolean),
            "bytea" => importer.WriteAsync((byte[])value, NpgsqlDbType.Bytea),
            "jsonb" => importer.WriteAsync((string)value, NpgsqlDbType.Jsonb),
            "text[]" => importer.WriteAsync(
                JsonSerializer.Deserialize((string)value, StringListContext.Default.StringArray) ?? [], NpgsqlDbType.Array | NpgsqlDbType.Text),
            "timestamp with time zone" => importer.WriteAsync(Time((long)value), NpgsqlDbType.TimestampTz),
            _ => throw new InvalidOperationException($"a column of type {type} has no way from the embedded store"),
        };
    }

    // The largest number stands for "never", which PostgreSQL calls infinity and the driver the last DateTime.
    private static DateTime Time(long microseconds) =>
        microseconds == long.MaxValue ? DateTime.MaxValue : Instants.FromMicroseconds(microseconds).UtcDateTime;
}
