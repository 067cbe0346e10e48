using Caracal.Cli.CommandLine;
using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.Streams;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Upkeep;
using Caracal.Streams.State;

namespace Caracal.Cli.Provisioning;

/// <summary>Enters the stores as every service, the way the services will: what fails here would fail at their start.</summary>
internal static class EntryCheck
{
    /// <summary>True when every service got in.</summary>
    public static async Task<bool> RunAsync(
        MigrationJobSettings job, MigrationReport report, RedisProvision? redis, Terminal terminal, CancellationToken stop)
    {
        var allIn = true;
        foreach (var (role, login) in report.Logins)
        {
            allIn &= await TryAsync(terminal, $"{login} enters PostgreSQL", () => EnterAsync(job, role, login, stop));
        }

        foreach (var user in redis is null ? [] : RedisUser.All)
        {
            allIn &= await TryAsync(terminal, $"{user.Name} enters Redis", async () =>
            {
                await using var connection = new RedisConnection(redis!.OptionsOf(user));
                await new RedisState(connection).PingAsync(stop);
                return null;
            });
        }

        return allIn;
    }

    private static async Task<string?> EnterAsync(MigrationJobSettings job, ServiceRole role, string login, CancellationToken stop)
    {
        var address = PostgresAddress.Parse(job.Administrator.UrlFor(login, job.Passwords[role]));
        await using var database = new PostgresDatabase(
            address, new PostgresSettings { Role = role, MaximumConnections = 2, MinimumConnections = 0, Instance = "provision" });
        var state = await database.ReadSchemaStateAsync(stop);
        return state == SchemaState.Current ? null : $"the schema is {state.ToString().ToLowerInvariant()}";
    }

    private static async Task<bool> TryAsync(Terminal terminal, string what, Func<Task<string?>> enter)
    {
        string? problem;
        try
        {
            problem = await enter();
        }
        catch (Exception fault) when (fault is StorageUnavailableException or StreamsUnavailableException)
        {
            problem = fault.InnerException?.Message ?? fault.Message;
        }

        if (problem is null) terminal.Success(what);
        else terminal.Error($"{what}: {problem}");
        return problem is null;
    }
}
