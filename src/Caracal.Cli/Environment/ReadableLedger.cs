using Caracal.Cli.CommandLine;
using Caracal.Keys.Secrets;
using Caracal.Stack;
using Caracal.Storage;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.Storage.Sqlite;

namespace Caracal.Cli.Environment;

/// <summary>Where the ledger is: in PostgreSQL when <c>DATABASE_URL</c> is set (a file <c>auditDatabaseUrl</c> counts), else in the embedded store's folder.</summary>
internal static class ReadableLedger
{
    /// <summary>The ledger; a missing one is a failure of the command.</summary>
    public static Database Open(ProcessVariables variables, string dataDirectory) =>
        Find(variables, dataDirectory)
        ?? throw new CommandFailure($"there is no ledger at {CaracalStack.DatabasePath(dataDirectory)}", exitCode: 2);

    /// <summary>The ledger; null when there is none here.</summary>
    public static Database? Find(ProcessVariables variables, string dataDirectory)
    {
        if (new SecretSource(variables.All, "audit", published: false).Find("DATABASE_URL", "auditDatabaseUrl") is { } url)
        {
            return new PostgresDatabase(
                PostgresAddress.Parse(url.Value.Reveal()),
                new PostgresSettings { Role = ServiceRole.Audit, MaximumConnections = 2, MinimumConnections = 0, Instance = "verify" });
        }

        var path = CaracalStack.DatabasePath(dataDirectory);
        return File.Exists(path) ? new SqliteDatabase(path, TimeProvider.System) : null;
    }
}
