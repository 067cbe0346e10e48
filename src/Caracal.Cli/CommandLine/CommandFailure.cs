namespace Caracal.Cli.CommandLine;

/// <summary>An expected failure of a command: one line for the person who typed it, and the exit code.</summary>
internal sealed class CommandFailure(string message, int exitCode = 1) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
