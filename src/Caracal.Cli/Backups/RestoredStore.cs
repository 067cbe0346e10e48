using Caracal.Cli.CommandLine;
using Caracal.Storage;
using Caracal.Storage.Backups;
using Caracal.Storage.Postgres;
using Caracal.Storage.Sqlite;

namespace Caracal.Cli.Backups;

/// <summary>Puts the store of an unpacked bundle where it shall be, and opens it.</summary>
internal static class RestoredStore
{
    public static async Task<Database> PlaceAsync(
        BackupManifest manifest, string unpacked, string target, bool replace, Func<PostgresAddress> administrator, Terminal terminal, CancellationToken stop)
    {
        if (manifest.Content.Engine == PostgresCopy.Engine)
        {
            var address = administrator();
            await PostgresCopy.RestoreAsync(address, manifest.Content, Path.Combine(unpacked, "postgres"), terminal.Step, stop);
            return new PostgresDatabase(address, new PostgresSettings { MaximumConnections = 2, MinimumConnections = 0, Instance = "restore" });
        }

        EmbeddedCopy.RequireKnown(manifest.Content);
        if (File.Exists(target) && !replace) throw new CommandFailure($"there is a store at {target}; --replace keeps it aside");
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        var aside = $"{target}.before-restore-{TimeProvider.System.GetUtcNow().UtcDateTime:yyyyMMddTHHmmssZ}";
        foreach (var suffix in (ReadOnlySpan<string>)["", "-wal", "-shm"])
        {
            // The log belongs to its file: a restored store must not be opened with the log of another.
            if (File.Exists(target + suffix)) File.Move(target + suffix, aside + suffix);
        }

        File.Move(Path.Combine(unpacked, Path.GetFileName(target)), target);
        var store = new SqliteDatabase(target, TimeProvider.System);
        await RestoredAuthority.PrepareAsync(store, TimeProvider.System.GetUtcNow(), stop);
        return store;
    }
}
