using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Caracal.Storage.Sqlite;

/// <summary>Prefers the distribution's patched SQLite over the bundled one.</summary>
internal static class SqliteLibrary
{
    private const string DistributionLibrary = "libsqlite3.so.0";

    // A static initialiser runs once per process, however many databases open at the same time.
    private static readonly bool Loaded = Load();

    public static void EnsureLoaded() => _ = Loaded;

    private static bool Load()
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        Batteries_V2.Init();

        // A connection of ours has one user at a time, so SQLite need not guard it against two; and nobody asks how much memory it
        // has, which it would count under a lock at each allocation. Refused, both stay as they were, which is slower and no less safe.
        _ = raw.sqlite3_config(raw.SQLITE_CONFIG_MULTITHREAD);
        _ = raw.sqlite3_config(raw.SQLITE_CONFIG_MEMSTATUS, 0);
        return true;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) =>
        name == "e_sqlite3" && OperatingSystem.IsLinux() && NativeLibrary.TryLoad(DistributionLibrary, out var handle)
            ? handle
            : nint.Zero;
}
