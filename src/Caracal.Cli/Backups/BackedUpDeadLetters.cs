using Caracal.Keys.Secrets;

namespace Caracal.Cli.Backups;

/// <summary>Evidence that the embedded store refused: a file for each event.</summary>
internal static class BackedUpDeadLetters
{
    /// <summary>
    /// Adds the files of one folder to another, in which those of the same name are the same. After the journals and before the
    /// store are copied: what is refused or replayed in between is in both, which ingest absorbs; the other way round it would be in neither.
    /// </summary>
    public static void Copy(string folder, string target)
    {
        foreach (var path in Directory.Exists(folder) ? Directory.GetFiles(folder, "*.json") : [])
        {
            var copy = Path.Combine(target, Path.GetFileName(path));
            if (File.Exists(copy)) continue;
            try
            {
                SecretFolder.Prepare(target);
                SecretFolder.WriteOwnerOnly(copy, File.ReadAllBytes(path));
            }
            catch (FileNotFoundException)
            {
                // Replayed meanwhile: the store has it.
            }
        }
    }
}
