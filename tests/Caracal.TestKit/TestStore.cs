using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.Storage.Sqlite;
using Dapper;

namespace Caracal.TestKit;

/// <summary>The engines a repository test runs on.</summary>
public enum Engine
{
    Sqlite,
    Postgres,
}

/// <summary>
/// A migrated, empty store of one test. What is tested uses <see cref="Database"/>, on PostgreSQL under the service's own
/// login, so that a missing grant shows; <see cref="Owner"/> is for what the test itself puts in and looks at.
/// </summary>
public sealed class TestStore : IAsyncDisposable
{
    private static readonly Lazy<Task<string>> Template = new(MakeTemplateAsync);

    private readonly Func<ServiceRole?, Database> _open;
    private readonly Func<Task> _remove;
    private readonly ServiceRole? _role;
    private readonly Dictionary<string, Database> _others = new(StringComparer.Ordinal);

    private TestStore(Func<ServiceRole?, Database> open, Func<Task> remove, ServiceRole? role)
    {
        _open = open;
        _remove = remove;
        _role = role;
        Database = open(role);
    }

    /// <summary>The store as the service sees it.</summary>
    public Database Database { get; private set; }

    /// <summary>The store without the limits of a service: everything of every zone.</summary>
    public Database Owner => _role is null ? Database : Other("", null);

    /// <summary>The store as another service sees it; on the embedded engine they all share one.</summary>
    public Database As(ServiceRole role) => role == _role ? Database : Other(role.Name, role);

    /// <summary>
    /// A service beside <see cref="Database"/> on PostgreSQL, with one connection that reads and one that writes: what is asked first
    /// and what is asked later meet the same one.
    /// </summary>
    public async Task<PostgresDatabase> EnterAsync(ServiceRole role)
    {
        var server = await PostgresServer.GetAsync();
        var name = await Owner.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT current_database()"));
        return new PostgresDatabase(server.Address(name!, role.FirstLogin), new PostgresSettings { Role = role, MaximumConnections = 2, MinimumConnections = 0 });
    }

    /// <param name="engine">Which engine.</param>
    /// <param name="role">The service under test; null for tests of the engine itself.</param>
    /// <param name="time">The embedded engine's clock; PostgreSQL has its own.</param>
    public static Task<TestStore> CreateAsync(Engine engine, ServiceRole? role = null, TimeProvider? time = null) =>
        engine == Engine.Sqlite ? SqliteAsync(time ?? TimeProvider.System) : PostgresAsync(role);

    /// <summary>Closes and opens again, as a restart does.</summary>
    public async Task ReopenAsync()
    {
        await Database.DisposeAsync();
        Database = _open(_role);
    }

    /// <summary>PostgreSQL takes no connection of the service any more and ends those it has; the test's own go on.</summary>
    public Task CutOffAsync() => Owner.WriteAsync(work => work.Connection.ExecuteAsync(
        """
        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 0', current_database()); END $$;
        SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
        """));

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        foreach (var other in _others.Values)
        {
            await other.DisposeAsync();
        }

        await _remove();
    }

    private Database Other(string name, ServiceRole? role)
    {
        if (Database is SqliteDatabase)
        {
            return Database;
        }

        if (!_others.TryGetValue(name, out var database))
        {
            _others[name] = database = _open(role);
        }

        return database;
    }

    private static async Task<TestStore> SqliteAsync(TimeProvider time)
    {
        var folder = Directory.CreateTempSubdirectory("caracal-test-");
        var path = Path.Combine(folder.FullName, "caracal.db");
        var store = new TestStore(
            _ => new SqliteDatabase(path, time),
            () =>
            {
                folder.Delete(recursive: true);
                return Task.CompletedTask;
            },
            role: null);
        await Migrator.MigrateAsync(store.Database, time.GetUtcNow());
        return store;
    }

    private static async Task<TestStore> PostgresAsync(ServiceRole? role)
    {
        var server = await PostgresServer.GetAsync();
        var name = await server.CreateDatabaseAsync(await Template.Value);
        return new TestStore(
            as_ => new PostgresDatabase(
                server.Address(name, as_?.FirstLogin ?? "postgres"),
                new PostgresSettings { Role = as_, MaximumConnections = 10, MinimumConnections = 0, Instance = "test" }),
            () => server.DropDatabaseAsync(name),
            role);
    }

    private static async Task<string> MakeTemplateAsync()
    {
        var server = await PostgresServer.GetAsync();
        var name = await server.CreateDatabaseAsync();
        await MigrateAsync(server, name);
        return name;
    }

    /// <summary>Runs the migration job on a database of this server, with passwords for every service.</summary>
    public static Task<MigrationReport> MigrateAsync(PostgresServer server, string database) => MigrationJob.RunAsync(
        new MigrationJobSettings
        {
            Administrator = server.Address(database),
            Passwords = ServiceRole.All.ToDictionary(role => role, _ => PostgresServer.Password),
        },
        TimeProvider.System,
        static _ => { },
        CancellationToken.None);
}
