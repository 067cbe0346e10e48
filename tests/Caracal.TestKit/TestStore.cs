using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Storage.Postgres;
using Caracal.Storage.Sqlite;

namespace Caracal.TestKit;

/// <summary>The engines a repository test runs on.</summary>
public enum Engine
{
    Sqlite,
    Postgres,
}

/// <summary>A migrated, empty store of one test.</summary>
public sealed class TestStore : IAsyncDisposable
{
    private static readonly Lazy<Task<string>> Template = new(MakeTemplateAsync);

    private readonly Func<Database> _open;
    private readonly Func<Task> _remove;

    private TestStore(Func<Database> open, Func<Task> remove)
    {
        _open = open;
        _remove = remove;
        Database = open();
    }

    public Database Database { get; private set; }

    public static Task<TestStore> CreateAsync(Engine engine) => engine == Engine.Sqlite ? SqliteAsync() : PostgresAsync();

    /// <summary>Closes and opens again, as a restart does.</summary>
    public async Task ReopenAsync()
    {
        await Database.DisposeAsync();
        Database = _open();
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await _remove();
    }

    private static async Task<TestStore> SqliteAsync()
    {
        var folder = Directory.CreateTempSubdirectory("caracal-test-");
        var path = Path.Combine(folder.FullName, "caracal.db");
        var store = new TestStore(
            () => new SqliteDatabase(path, TimeProvider.System),
            () =>
            {
                folder.Delete(recursive: true);
                return Task.CompletedTask;
            });
        await Migrator.MigrateAsync(store.Database, DateTimeOffset.UtcNow);
        return store;
    }

    private static async Task<TestStore> PostgresAsync()
    {
        var server = await PostgresServer.GetAsync();
        var name = await server.CreateDatabaseAsync(await Template.Value);
        return new TestStore(() => Open(server.Url(name)), () => server.DropDatabaseAsync(name));
    }

    private static async Task<string> MakeTemplateAsync()
    {
        var server = await PostgresServer.GetAsync();
        var name = await server.CreateDatabaseAsync();
        await using var database = Open(server.Url(name));
        await Migrator.MigrateAsync(database, DateTimeOffset.UtcNow);
        return name;
    }

    private static PostgresDatabase Open(string url) =>
        new(url, new PostgresSettings { MaximumConnections = 10, MinimumConnections = 0, ApplicationName = "caracal-test" });
}
