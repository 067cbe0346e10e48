namespace Caracal.Cli.CommandLine;

/// <summary>The groups of the usage text, in its order.</summary>
internal enum CommandGroup
{
    Stack,
    Runtime,
    Operations,
}

/// <summary>One command: what the usage says and what runs.</summary>
/// <param name="Name">Matches <c>^[a-z][a-z0-9-]{0,31}$</c>.</param>
/// <param name="Group">Heading of the usage text.</param>
/// <param name="Summary">One line.</param>
/// <param name="Help">Everything after the command's usage line.</param>
/// <param name="RunAsync">Answers the exit code.</param>
internal sealed record Command(
    string Name, CommandGroup Group, string Summary, string Help, Func<CommandContext, Task<int>> RunAsync);
