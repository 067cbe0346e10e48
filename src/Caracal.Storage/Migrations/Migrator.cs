using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Migrations;

/// <summary>Brings the embedded store's schema up to date at start, in one transaction. On PostgreSQL that is <see cref="MigrationJob"/>'s work.</summary>
public static class Migrator
{
    /// <summary>Applies what is missing and returns how many steps were applied. A released migration whose text changed stops everything.</summary>
    public static Task<int> MigrateAsync(Database database, DateTimeOffset now, CancellationToken cancellationToken = default) =>
        database.WriteAsync(
            async work =>
            {
                var applied = await ReadAppliedAsync(work.Connection, database.Dialect);
                var count = 0;
                foreach (var migration in MigrationFiles.For(database.Dialect))
                {
                    count += await ApplyAsync(work.Connection, migration, applied, now) ? 1 : 0;
                }

                return count;
            },
            cancellationToken);

    /// <summary>Version and text hash of what was applied; makes the list when there is none.</summary>
    internal static async Task<Dictionary<string, string>> ReadAppliedAsync(DbConnection connection, ISqlDialect dialect)
    {
        await connection.ExecuteAsync(dialect.TranslateTypes(
            """
            CREATE TABLE IF NOT EXISTS schema_migrations (
                version text PRIMARY KEY, applied_at {time} NOT NULL, sha256 text NOT NULL, phase text NOT NULL)
            """));
        return (await connection.QueryAsync<(string Version, string Sha256)>("SELECT version, sha256 FROM schema_migrations"))
            .ToDictionary(row => row.Version, row => row.Sha256, StringComparer.Ordinal);
    }

    /// <summary>Applies one migration unless it was applied before.</summary>
    internal static async Task<bool> ApplyAsync(
        DbConnection connection, Migration migration, Dictionary<string, string> applied, DateTimeOffset now)
    {
        if (applied.TryGetValue(migration.Version, out var sha256))
        {
            return sha256 == migration.Sha256
                ? false
                : throw new InvalidOperationException($"migration {migration.Version} was applied with another text");
        }

        await connection.ExecuteAsync(migration.Sql);
        await connection.ExecuteAsync(
            "INSERT INTO schema_migrations (version, applied_at, sha256, phase) VALUES (@Version, @now, @Sha256, @Phase)",
            new { migration.Version, now, migration.Sha256, migration.Phase });
        return true;
    }
}
