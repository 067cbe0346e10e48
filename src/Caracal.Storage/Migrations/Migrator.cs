using Dapper;

namespace Caracal.Storage.Migrations;

/// <summary>Brings the schema up to date (storage.md 7): each migration once, whole, under the migration lock.</summary>
public static class Migrator
{
    /// <summary>The advisory lock of storage.md 7.</summary>
    private const string LockName = "4732518903281471";

    /// <summary>Applies what is missing and returns how many steps were applied. A released migration whose text changed stops everything.</summary>
    public static Task<int> MigrateAsync(Database database, DateTimeOffset now, CancellationToken cancellationToken = default) =>
        database.WriteAsync(
            async work =>
            {
                await work.LockAsync(LockName);
                await work.Connection.ExecuteAsync(database.Dialect.TranslateTypes(
                    """
                    CREATE TABLE IF NOT EXISTS schema_migrations (
                        version text PRIMARY KEY, applied_at {time} NOT NULL, sha256 text NOT NULL, phase text NOT NULL)
                    """));
                var applied = (await work.Connection.QueryAsync<(string Version, string Sha256)>(
                    "SELECT version, sha256 FROM schema_migrations")).ToDictionary(row => row.Version, row => row.Sha256);
                var count = 0;
                foreach (var migration in MigrationFiles.For(database.Dialect))
                {
                    count += await ApplyAsync(work, migration, applied, now);
                }

                return count;
            },
            cancellationToken);

    private static async Task<int> ApplyAsync(
        Work work, Migration migration, Dictionary<string, string> applied, DateTimeOffset now)
    {
        if (applied.TryGetValue(migration.Version, out var sha256))
        {
            return sha256 == migration.Sha256
                ? 0
                : throw new InvalidOperationException($"migration {migration.Version} was applied with another text");
        }

        await work.Connection.ExecuteAsync(migration.Sql);
        await work.Connection.ExecuteAsync(
            "INSERT INTO schema_migrations (version, applied_at, sha256, phase) VALUES (@Version, @now, @Sha256, 'expand')",
            new { migration.Version, now, migration.Sha256 });
        return 1;
    }
}
