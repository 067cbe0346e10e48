using Caracal.Cli.CommandLine;
using Caracal.Storage;
using Caracal.Storage.Backups;
using Caracal.Storage.Postgres;
using Caracal.Storage.Sqlite;

namespace Caracal.Cli.Backups;

/// <summary>Puts the store of an unpacked bundle where it shall be, and opens it.</summary>
internal static class RestoredStore
{
    /// <summary>Nothing that a service could open is at its place before what lived in it has ended; <paramref name="endAt"/> null ends nothing.</summary>
    public static async Task<(Database Store, EndedAuthority? Ended)> PlaceAsync(
        BackupManifest manifest, string unpacked, string target, bool replace, DateTimeOffset? endAt, Func<PostgresAddress> administrator, Terminal terminal, CancellationToken stop)
    {
        if (manifest.Content.Engine == PostgresCopy.Engine)
        {
            var address = administrator();
            var gone = await PostgresCopy.RestoreAsync(address, manifest.Content, Path.Combine(unpacked, "postgres"), endAt, terminal.Step, stop);
            return (new PostgresDatabase(address, new PostgresSettings { MaximumConnections = 2, MinimumConnections = 0, Instance = "restore" }), gone);
        }

        EmbeddedCopy.RequireKnown(manifest.Content);
        if (File.Exists(target) && !replace) throw new CommandFailure($"there is a store at {target}; --replace keeps it aside");
        var staged = Path.Combine(unpacked, Path.GetFileName(target));
        var ended = await FinishAsync(staged, endAt, stop);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        var aside = $"{target}.before-restore-{TimeProvider.System.GetUtcNow().UtcDateTime:yyyyMMddTHHmmssZ}";
        foreach (var suffix in (ReadOnlySpan<string>)["", "-wal", "-shm"])
        {
            // The log belongs to its file: a restored store must not be opened with the log of another.
            if (File.Exists(target + suffix)) File.Move(target + suffix, aside + suffix);
        }

        File.Move(staged, target);
        return (new SqliteDatabase(target, TimeProvider.System), ended);
    }

    private static async Task<EndedAuthority?> FinishAsync(string staged, DateTimeOffset? endAt, CancellationToken stop)
    {
        EndedAuthority? ended;
        await using (var store = new SqliteDatabase(staged, TimeProvider.System))
        {
            await RestoredAuthority.PrepareAsync(store, TimeProvider.System.GetUtcNow(), stop);
            ended = endAt is { } now ? await RestoredAuthority.EndAsync(store, now, stop) : null;
        }

        // Closing writes the log into the file. What stayed in the log would be alive again where the file goes without it.
        return new FileInfo(staged + "-wal") is { Exists: true, Length: > 0 }
            ? throw new StoreBackupException("the restored store could not be written into one file")
            : ended;
    }
}
