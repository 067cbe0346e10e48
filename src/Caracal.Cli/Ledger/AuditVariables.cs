using Caracal.Audit;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Hosting.Settings;

namespace Caracal.Cli.Ledger;

/// <summary>Settings that a command has in common with the Audit service, of the same variables.</summary>
internal static class AuditVariables
{
    /// <summary>The settings; all their faults at once where there are any.</summary>
    public static T Read<T>(ProcessVariables variables, Func<SettingsReader, T> read)
    {
        var reader = new SettingsReader(variables.All, AuditSettings.Role);
        var settings = read(reader);
        return reader.Faults.Count == 0 ? settings : throw new CommandFailure(string.Join("\n  ", reader.Faults), exitCode: 2);
    }
}
