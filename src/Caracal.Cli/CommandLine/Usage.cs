using System.Text;

namespace Caracal.Cli.CommandLine;

/// <summary>The usage text, and the help of one command.</summary>
internal static class Usage
{
    public static string Text()
    {
        var text = new StringBuilder("usage: caracal <command> [args]\n");
        foreach (var group in Enum.GetValues<CommandGroup>())
        {
            var commands = CommandTable.All.Where(command => command.Group == group).ToList();
            if (commands.Count == 0) continue;
            text.Append('\n').Append(group.ToString().ToUpperInvariant()).Append('\n');
            foreach (var command in commands)
            {
                text.Append($"  {command.Name,-14} {command.Summary}\n");
            }
        }

        return text.Append("\n  help           this text; `caracal <command> help` explains a command\n")
            .Append("  version        version, mode and commit of this binary\n").ToString();
    }

    public static string Of(Command command) => $"caracal {command.Name}: {command.Summary}\n\n{command.Help.TrimEnd()}\n";
}
