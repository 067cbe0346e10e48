using System.Data.Common;
using System.Text.Json;

namespace Caracal.Storage.TokenExchange;

/// <summary>Reads and binds our value types on prepared commands, where no mapper stands between (both engines).</summary>
internal static class HotValues
{
    public static string? Text(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static DateTimeOffset Time(this DbDataReader row, int column) => row.GetValue(column) switch
    {
        long microseconds => Instants.FromMicroseconds(microseconds),
        DateTime time => new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)),
        DateTimeOffset time => time,
        var other => throw new InvalidOperationException($"a time came back as {other.GetType().Name}"),
    };

    public static DateTimeOffset? OptionalTime(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.Time(column);

    public static string[] Texts(this DbDataReader row, int column) => row.GetValue(column) switch
    {
        "[]" => [],
        string json => JsonSerializer.Deserialize(json, StringListContext.Default.StringArray) ?? [],
        string[] list => list,
        _ => [],
    };

    public static void SetTime(this DbCommand command, int index, DateTimeOffset time, ISqlDialect dialect) =>
        command.Parameters[index].Value = dialect is SqliteDialect ? Instants.ToMicroseconds(time) : time.UtcDateTime;
}
