using Caracal.Storage.Postgres;
using Dapper;

namespace Caracal.Storage.Backups;

/// <summary>The temporary database of a drill.</summary>
public static class IsolatedDatabase
{
    private const string Mark = "_drill_";

    /// <summary>Drops it, whoever is connected; any other database is refused.</summary>
    public static async Task DropAsync(PostgresAddress address, CancellationToken cancellationToken)
    {
        if (!address.Database.Contains(Mark, StringComparison.Ordinal)) throw new InvalidOperationException("not a database of a drill");
        await using var source = PostgresConnections.Administrator(address.ForDatabase("postgres"), TimeSpan.Zero);
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync($"DROP DATABASE IF EXISTS \"{address.Database.Replace("\"", "\"\"", StringComparison.Ordinal)}\" WITH (FORCE)");
    }
}
