using Caracal.Storage.Postgres;
using Dapper;
using Npgsql;

namespace Caracal.Storage.Migrations;

/// <summary>Makes the database itself, for whoever starts from an empty server.</summary>
public static class DatabaseCreation
{
    private const string Maintenance = "postgres";

    /// <summary>Creates the database the address names, UTF-8, unless it is there; true when it was created.</summary>
    public static async Task<bool> EnsureAsync(PostgresAddress administrator, CancellationToken cancellationToken)
    {
        await using var source = PostgresConnections.Administrator(administrator.ForDatabase(Maintenance), TimeSpan.Zero);
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        if (await connection.ExecuteScalarAsync<bool>(
            "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = @Database)", new { administrator.Database }))
        {
            return false;
        }

        try
        {
            var name = "\"" + administrator.Database.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";
            await connection.ExecuteAsync($"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0");
            return true;
        }
        catch (PostgresException fault) when (fault.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
        {
            return false; // Another run was quicker.
        }
    }
}
