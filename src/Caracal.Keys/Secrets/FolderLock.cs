using System.Diagnostics;

namespace Caracal.Keys.Secrets;

/// <summary>Held while slot files change: an operator's command and the API's own schedule may work on one folder at a time.</summary>
/// <remarks>The lock is the operating system's, so it ends with the process that held it.</remarks>
public static class FolderLock
{
    /// <summary>Its file, which is empty and stays.</summary>
    public const string FileName = ".rotation.lock";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits for whoever changes the folder now.</summary>
    /// <exception cref="SecretFolderException">The folder cannot be written, or somebody holds the lock for too long.</exception>
    public static IDisposable Take(string folder)
    {
        var path = Path.Combine(folder, FileName);
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(path, options);
            }
            catch (UnauthorizedAccessException)
            {
                throw new SecretFolderException($"{folder} cannot be written by this process");
            }
            catch (IOException fault) when (!File.Exists(path))
            {
                throw new SecretFolderException($"{folder} cannot be written by this process: {fault.Message}");
            }
            catch (IOException) when (Stopwatch.GetElapsedTime(start) < Patience)
            {
                Thread.Sleep(Pause);
            }
            catch (IOException)
            {
                throw new SecretFolderException($"somebody else changes the files of {folder}");
            }
        }
    }
}
