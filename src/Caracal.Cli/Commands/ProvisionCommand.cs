using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Provisioning;
using Caracal.Keys.Secrets;
using Caracal.Storage.Migrations;

namespace Caracal.Cli.Commands;

/// <summary><c>caracal provision</c>: from an empty PostgreSQL and Redis to a system whose services can start (operations.md 7, 8).</summary>
internal static class ProvisionCommand
{
    public static Command Descriptor { get; } = new(
        "provision", CommandGroup.Operations, "make PostgreSQL and Redis ready for separate services",
        """
        usage: caracal provision [--skip-redis]

        PostgreSQL, as the administrator (DATABASE_URL, or PGHOST, PGUSER, PGPASSWORD …): creates the
        database, runs caracal migrate, gives every service's login its password.
        Redis, as its administrator (REDIS_URL): topics, groups, and one ACL user per service that may
        touch its own keys only. Then enters both as every service. Running it again does no harm.

        With CARACAL_SECRETS_DIR, what is missing there is generated, and each service's URLs are
        written as <service>DatabaseUrl and <service>RedisUrl. Without, every password comes from
        CARACAL_<SERVICE>_DB_PASSWORD and CARACAL_<SERVICE>_REDIS_PASSWORD, or their _FILE forms.
        --skip-redis   PostgreSQL only
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("skip-redis");
        if (context.Arguments.Operands.Count > 0) throw new CommandFailure($"unknown argument '{context.Arguments.Operands[0]}'");
        var terminal = context.Terminal;
        var secrets = context.Variables["CARACAL_SECRETS_DIR"];
        if (secrets is not null && SecretFolder.Provision(secrets) is var generated and > 0)
        {
            terminal.Info($"generated {generated} operator secret file(s) under {secrets}");
        }

        // Everything that can be wrong with the input is told before anything changes.
        var access = new AdministratorAccess(context.Variables);
        var job = access.JobSettings(terminal);
        var redis = context.Arguments.IsOn("skip-redis") ? null : RedisProvision.Read(access);
        RequirePasswords(job, redis);

        if (await DatabaseCreation.EnsureAsync(job.Administrator, context.Stop)) terminal.Success($"created the database {job.Administrator.Database}");
        var report = await MigrateCommand.MigrateAsync(context, job);
        if (redis is not null) await redis.RunAsync(terminal, context.Stop);
        if (secrets is not null) ServiceUrlFiles.Write(secrets, job, report, redis, terminal);
        return await EntryCheck.RunAsync(job, report, redis, terminal, context.Stop) ? 0 : 1;
    }

    private static void RequirePasswords(MigrationJobSettings job, RedisProvision? redis)
    {
        var missing = Storage.Privileges.ServiceRole.All.Where(role => !job.Passwords.ContainsKey(role)).Select(role => role.PasswordVariable)
            .Concat(redis?.MissingPasswords ?? []).ToList();
        if (missing.Count > 0)
        {
            throw new CommandFailure($"passwords are missing: {string.Join(", ", missing)}; set them, their _FILE forms, or CARACAL_SECRETS_DIR to have them generated");
        }
    }
}
