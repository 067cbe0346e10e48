namespace Caracal.Storage;

/// <summary>SQLite: times are INTEGER microseconds since the epoch, lists and documents are JSON text.</summary>
internal sealed class SqliteDialect : ISqlDialect
{
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

    public string JsonText(string column, string key) => $"json_extract({column}, '$.{key}')";

    public string ArrayContains(string column, string parameter) =>
        $"EXISTS (SELECT 1 FROM json_each({column}) WHERE json_each.value = {parameter})";

    public string JsonArrayContains(string column, string key, string parameter) =>
        $"EXISTS (SELECT 1 FROM json_each({column}, '$.{key}') WHERE json_each.value = {parameter})";
}
