using Caracal.Keys.Secrets;

namespace Caracal.Cli.Backups;

/// <summary>A folder for a store outside of its seal, only its owner's; gone when disposed, or else with the next run.</summary>
internal sealed class StagingFolder : IDisposable
{
    public const string Backup = ".staging-";
    public const string Restore = ".restore-";
    private const string LockSuffix = ".lock";

    // Held while the folder is in use, and let go by the system when its process is killed.
    private readonly FileStream _lock;

    public StagingFolder(string parent, string prefix)
    {
        Path = System.IO.Path.Combine(parent, prefix + Guid.NewGuid().ToString("N"));
        _lock = Lock(Path);
        SecretFolder.Prepare(Path);
    }

    public string Path { get; }

    /// <summary>Removes the folders of runs that were killed; those of runs beside this one stay.</summary>
    public static void RemoveLeftovers(string parent, string prefix)
    {
        foreach (var folder in Directory.GetDirectories(parent, prefix + "*"))
        {
            try
            {
                using var ended = Lock(folder);
                if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            }
            catch (IOException)
            {
                // In use.
            }
        }
    }

    public void Dispose()
    {
        Directory.Delete(Path, recursive: true);
        _lock.Dispose();
    }

    private static FileStream Lock(string folder)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.None, Options = FileOptions.DeleteOnClose };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(folder + LockSuffix, options);
    }
}
