using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Migrations;

/// <summary>Compares the list of applied migrations with the program's own.</summary>
internal static class SchemaCheck
{
    /// <summary>The reason on <c>/ready</c>.</summary>
    public static async Task<SchemaState> ReadAsync(DbConnection connection, ISqlDialect dialect)
    {
        var applied = (await connection.QueryAsync<(string Version, string Phase)>("SELECT version, phase FROM schema_migrations"))
            .ToDictionary(row => row.Version, row => row.Phase, StringComparer.Ordinal);
        return Judge(applied, [.. MigrationFiles.For(dialect).Select(migration => migration.Version)]);
    }

    internal static SchemaState Judge(IReadOnlyDictionary<string, string> applied, IReadOnlyCollection<string> known) =>
        applied.Any(row => row.Value == Migration.Contract && !known.Contains(row.Key)) ? SchemaState.Incompatible
        : known.All(applied.ContainsKey) ? SchemaState.Current
        : SchemaState.Outdated;
}
