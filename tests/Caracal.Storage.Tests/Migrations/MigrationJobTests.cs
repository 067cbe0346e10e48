using Caracal.Storage.Migrations;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.TestKit;
using Dapper;
using Npgsql;

namespace Caracal.Storage.Tests.Migrations;

/// <summary>storage.md 7 and its checks.</summary>
public sealed class MigrationJobTests
{
    [Fact]
    public async Task Several_jobs_at_once_apply_each_migration_once()
    {
        var (server, database) = await EmptyAsync();
        Assert.NotEmpty(await MigrationJob.PendingAsync(Settings(server, database), TimeProvider.System, _ => { }, default));
        var reports = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => TestStore.MigrateAsync(server, database)));
        await using var connection = await OpenAsync(server, database);
        var versions = (await connection.QueryAsync<string>("SELECT version FROM schema_migrations ORDER BY 1")).AsList();
        Assert.Equal(versions, reports.SelectMany(report => report.Applied).Order());
        Assert.Empty(await MigrationJob.PendingAsync(Settings(server, database), TimeProvider.System, _ => { }, default));
        Assert.Equal(ServiceRole.All.Select(role => role.FirstLogin), reports[0].Logins.Select(login => login.Login));
    }

    [Fact]
    public async Task A_released_migration_that_was_edited_stops_the_job()
    {
        var (server, database) = await EmptyAsync();
        await TestStore.MigrateAsync(server, database);
        await using var connection = await OpenAsync(server, database);
        await connection.ExecuteAsync("UPDATE schema_migrations SET sha256 = 'x' WHERE version = '0001_baseline'");
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => TestStore.MigrateAsync(server, database));
        Assert.Contains("0001_baseline", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_without_a_line_in_the_matrix_stops_the_job_and_stays_closed()
    {
        var (server, database) = await EmptyAsync();
        await TestStore.MigrateAsync(server, database);
        await using var connection = await OpenAsync(server, database);
        await connection.ExecuteAsync("CREATE TABLE surprise (a int)");
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => TestStore.MigrateAsync(server, database));
        Assert.Contains("surprise has no line", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("requirement", "R9")]
    public async Task A_wrong_password_is_told_at_once_and_an_absent_server_is_waited_for()
    {
        var (server, database) = await EmptyAsync();
        var wrong = Settings(server, database) with
        {
            Administrator = PostgresAddress.Parse($"postgres://postgres:wrong@127.0.0.1:{server.Port}/{database}"),
        };
        var told = 0;
        await Assert.ThrowsAsync<PostgresException>(() => MigrationJob.RunAsync(wrong, TimeProvider.System, _ => told++, default));
        Assert.Equal(0, told);
        var absent = wrong with { Administrator = PostgresAddress.Parse("postgres://postgres:x@127.0.0.1:1/d"), ConnectTries = 3, ConnectSleep = TimeSpan.FromMilliseconds(10) };
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => MigrationJob.RunAsync(absent, TimeProvider.System, _ => told++, default));
        Assert.Equal(1, told);
    }

    [Fact]
    public async Task A_service_is_outdated_until_the_job_ran_and_current_after_it()
    {
        var (server, database) = await EmptyAsync();
        await (await TestStore.CreateAsync(Engine.Postgres)).DisposeAsync(); // the logins exist
        await using var service = new PostgresDatabase(
            server.Address(database, ServiceRole.Sts.FirstLogin), new PostgresSettings { Role = ServiceRole.Sts, MaximumConnections = 2, MinimumConnections = 0 });
        Assert.Equal(SchemaState.Outdated, await service.ReadSchemaStateAsync());
        await TestStore.MigrateAsync(server, database);
        Assert.Equal(SchemaState.Current, await service.ReadSchemaStateAsync());
    }

    [Fact]
    public void A_contract_nobody_knows_is_incompatible_and_an_unknown_expansion_is_not()
    {
        string[] known = ["0001_a", "0002_b"];
        Assert.Equal(SchemaState.Outdated, Judge());
        Assert.Equal(SchemaState.Outdated, Judge(("0001_a", "expand")));
        Assert.Equal(SchemaState.Current, Judge(("0001_a", "expand"), ("0002_b", "contract")));
        Assert.Equal(SchemaState.Current, Judge(("0001_a", "expand"), ("0002_b", "expand"), ("0003_c", "expand")));
        Assert.Equal(SchemaState.Incompatible, Judge(("0001_a", "expand"), ("0002_b", "expand"), ("0003_c", "contract")));

        SchemaState Judge(params (string Version, string Phase)[] applied) =>
            SchemaCheck.Judge(applied.ToDictionary(row => row.Version, row => row.Phase), known);
    }

    [Fact]
    public async Task Passwords_go_to_the_login_in_use()
    {
        var (server, database) = await EmptyAsync();
        await TestStore.MigrateAsync(server, database);
        await using var connection = await OpenAsync(server, database);
        await using var transaction = await connection.BeginTransactionAsync();
        await connection.ExecuteAsync("ALTER ROLE caracalaudit_a NOLOGIN; ALTER ROLE caracalaudit_b LOGIN");
        Assert.Equal("caracalaudit_b", await RolePasswords.SetAsync(connection, ServiceRole.Audit, "another-password"));
        await connection.ExecuteAsync("ALTER ROLE caracalaudit_a LOGIN");
        Assert.Null(await RolePasswords.SetAsync(connection, ServiceRole.Audit, "another-password")); // A rotation is under way.
        await connection.ExecuteAsync("ALTER ROLE caracalaudit_b NOLOGIN");
        Assert.Equal("caracalaudit_a", await RolePasswords.SetAsync(connection, ServiceRole.Audit, "another-password"));
    }

    private static async Task<(PostgresServer Server, string Database)> EmptyAsync()
    {
        var server = await PostgresServer.GetAsync();
        return (server, await server.CreateDatabaseAsync());
    }

    private static MigrationJobSettings Settings(PostgresServer server, string database) => new() { Administrator = server.Address(database) };

    private static async Task<NpgsqlConnection> OpenAsync(PostgresServer server, string database)
    {
        var connection = new NpgsqlConnection(server.ConnectionString(database));
        await connection.OpenAsync();
        return connection;
    }
}
