using Caracal.Cli.Environment;

namespace Caracal.Cli.CommandLine;

/// <summary>What every command gets.</summary>
internal sealed record CommandContext(Arguments Arguments, ProcessVariables Variables, Terminal Terminal, CancellationToken Stop)
{
    /// <summary>Where this user's Caracal keeps its files.</summary>
    public CaracalPaths Paths => new(Variables);

    public bool Json => Arguments.IsOn("json");
}
