using Caracal.Audit.Export;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Ledger;

/// <summary>An export that a command is given as a folder.</summary>
internal static class ExportFolder
{
    /// <summary>The export there; refuses a folder that is not there.</summary>
    public static FolderTarget Open(string folder) =>
        Directory.Exists(folder) ? new FolderTarget(folder) : throw new CommandFailure($"there is no export at {folder}", exitCode: 2);
}
