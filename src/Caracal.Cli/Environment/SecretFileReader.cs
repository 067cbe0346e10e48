using Caracal.Cli.CommandLine;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Environment;

/// <summary>Reads a secret file that only its owner may read (cli.md 2.2).</summary>
internal static class SecretFileReader
{
    public static string Read(string path)
    {
        try
        {
            return SecretFolder.ReadOwnerOnly(Path.GetFullPath(path)).Reveal();
        }
        catch (SecretFolderException fault)
        {
            throw new CommandFailure(fault.Message);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailure($"secret file cannot be read: {path}");
        }
    }
}
