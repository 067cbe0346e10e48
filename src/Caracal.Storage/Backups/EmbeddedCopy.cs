using Caracal.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace Caracal.Storage.Backups;

/// <summary>Copies the embedded store while it is in use: one file, as it stood at one moment.</summary>
public static class EmbeddedCopy
{
    public const string Engine = "sqlite";

    /// <summary>Copies the store at <paramref name="path"/> to a new file that only its owner reads.</summary>
    public static async Task<StoreContent> TakeAsync(string path, string target, CancellationToken cancellationToken)
    {
        SqliteLibrary.EnsureLoaded();
        await using (new FileStream(target, NewFile)) { }

        try
        {
            await using var connection = new SqliteConnection(
                new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
            await connection.OpenAsync(cancellationToken);
            await using var command = connection.CreateCommand();

            // One reading transaction: the writer goes on, and the copy sees nothing of what it does meanwhile.
            command.CommandText = "PRAGMA busy_timeout=5000; VACUUM INTO $target";
            command.Parameters.AddWithValue("$target", target);
            command.CommandTimeout = 0;
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (SqliteException fault)
        {
            throw new StoreBackupException($"the store at {path} could not be copied: {fault.Message}");
        }

        await using var copy = new SqliteDatabase(target, TimeProvider.System);
        return await copy.ReadAsync(connection => StoreContent.ReadAsync(connection, Engine), cancellationToken);
    }

    /// <summary>Refuses a copy that a newer version made; an older one is brought up to date when it is opened.</summary>
    public static void RequireKnown(StoreContent content)
    {
        if (content.Schema.Except(StoreContent.SchemaOf(new SqliteDialect()), StringComparer.Ordinal).FirstOrDefault() is { } newer)
        {
            throw new StoreBackupException($"a newer version made this backup ({newer}); restore it with that version");
        }
    }

    private static FileStreamOptions NewFile
    {
        get
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            return options;
        }
    }
}
