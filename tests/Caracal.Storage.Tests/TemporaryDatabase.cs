using Caracal.Storage.Migrations;
using Caracal.Storage.Sqlite;

namespace Caracal.Storage.Tests;

/// <summary>A migrated SQLite database in a folder of its own.</summary>
internal sealed class TemporaryDatabase : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;

    private TemporaryDatabase(DirectoryInfo folder)
    {
        _folder = folder;
        Database = new SqliteDatabase(Path, TimeProvider.System);
    }

    public Database Database { get; private set; }

    public string Path => System.IO.Path.Combine(_folder.FullName, "caracal.db");

    public static async Task<TemporaryDatabase> CreateAsync()
    {
        var temporary = new TemporaryDatabase(Directory.CreateTempSubdirectory("caracal-test-"));
        await Migrator.MigrateAsync(temporary.Database, DateTimeOffset.UtcNow);
        return temporary;
    }

    public async Task ReopenAsync()
    {
        await Database.DisposeAsync();
        Database = new SqliteDatabase(Path, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
