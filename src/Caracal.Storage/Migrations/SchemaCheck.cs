using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Migrations;

/// <summary>Compares the list of applied migrations with the program's own.</summary>
internal static class SchemaCheck
{
    /// <summary>Reads the list; a row named <paramref name="except"/> does not count.</summary>
    public static async Task<SchemaState> ReadAsync(DbConnection connection, ISqlDialect dialect, string? except = null)
    {
        var applied = (await connection.QueryAsync<(string Version, string Phase)>("SELECT version, phase FROM schema_migrations"))
            .Where(row => row.Version != except)
            .ToDictionary(row => row.Version, row => row.Phase, StringComparer.Ordinal);
        return Judge(applied, [.. MigrationFiles.For(dialect).Select(migration => migration.Version)]);
    }

    internal static SchemaState Judge(IReadOnlyDictionary<string, string> applied, IReadOnlyCollection<string> known) =>
        applied.Any(row => row.Value == Migration.Contract && !known.Contains(row.Key)) ? SchemaState.Incompatible
        : known.All(applied.ContainsKey) ? SchemaState.Current
        : SchemaState.Outdated;
}
