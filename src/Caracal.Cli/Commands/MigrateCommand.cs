using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Storage.Migrations;

namespace Caracal.Cli.Commands;

/// <summary><c>caracal migrate [--check]</c> (cli.md 7, storage.md 7): brings the schema and the rights of PostgreSQL up to date.</summary>
internal static class MigrateCommand
{
    public static Command Descriptor { get; } = new(
        "migrate", CommandGroup.Operations, "bring the PostgreSQL schema, roles and grants up to date",
        """
        usage: caracal migrate [--check]

        Connects as the administrator (DATABASE_URL, or PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD),
        applies every migration that is missing, each in one transaction under an advisory lock, and
        makes roles, row-level security, views and grants agree with this version. Running it again,
        or several at once, does no harm. Services never migrate; they wait for this.
        Gives the login caracal<service>_a its password from CARACAL_<SERVICE>_DB_PASSWORD (or _FILE,
        or a file in CARACAL_SECRETS_DIR); a service without one keeps what it has.
        --check   changes nothing; lists what is missing, exit 1 if anything is
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("check");
        if (context.Arguments.Operands.Count > 0) throw new CommandFailure($"unknown argument '{context.Arguments.Operands[0]}'");
        var settings = new AdministratorAccess(context.Variables).JobSettings(context.Terminal);
        if (context.Arguments.IsOn("check")) return await CheckAsync(context, settings);
        await MigrateAsync(context, settings);
        return 0;
    }

    /// <summary>Runs the job and says what it did.</summary>
    public static async Task<MigrationReport> MigrateAsync(CommandContext context, MigrationJobSettings settings)
    {
        var report = await MigrationJob.RunAsync(settings, TimeProvider.System, context.Terminal.Step, context.Stop);
        context.Terminal.Success(report.Applied.Length == 0 ? "the schema is up to date" : $"{report.Applied.Length} migration(s) applied");
        context.Terminal.Success("roles, row-level security, views and grants agree with this version");
        foreach (var (_, login) in report.Logins) context.Terminal.Success($"{login} may log in with its password");
        return report;
    }

    private static async Task<int> CheckAsync(CommandContext context, MigrationJobSettings settings)
    {
        var pending = await MigrationJob.PendingAsync(settings, TimeProvider.System, context.Terminal.Step, context.Stop);
        foreach (var version in pending) context.Terminal.Line($"missing  {version}");
        if (pending.Length == 0) context.Terminal.Success("the schema is up to date");
        else context.Terminal.Error($"{pending.Length} migration(s) are missing; run caracal migrate");
        return pending.Length == 0 ? 0 : 1;
    }
}
