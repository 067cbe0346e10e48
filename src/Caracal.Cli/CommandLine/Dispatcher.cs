using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Caracal.Cli.Commands;
using Caracal.Cli.Environment;

namespace Caracal.Cli.CommandLine;

/// <summary>From words to a command and its exit code (cli.md 1.1, 1.3).</summary>
internal static partial class Dispatcher
{
    private static readonly string[] HelpWords = ["help", "--help", "-h"];
    private static readonly string[] VersionWords = ["version", "--version", "-v"];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, ProcessVariables variables, Terminal terminal)
    {
        if (words.Count > 0 && words[0] == "--") words = [.. words.Skip(1)];
        if (words.Count == 0 || HelpWords.Contains(words[0]))
        {
            terminal.Write(Usage.Text());
            return 0;
        }

        if (VersionWords.Contains(words[0]))
        {
            return VersionCommand.Run(Arguments.Parse([.. words.Skip(1)]), terminal);
        }

        var command = CommandName().IsMatch(words[0]) ? CommandTable.Find(words[0]) : null;
        if (command is null)
        {
            terminal.Error("unknown command");
            terminal.WriteError(Usage.Text());
            return 1;
        }

        if (words.Count > 1 && HelpWords.Contains(words[1]))
        {
            terminal.Write(Usage.Of(command));
            return 0;
        }

        return await ExecuteAsync(command, [.. words.Skip(1)], variables, terminal);
    }

    private static async Task<int> ExecuteAsync(Command command, List<string> words, ProcessVariables variables, Terminal terminal)
    {
        using var stop = new CancellationTokenSource();
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        try
        {
            var loaded = OperatorEnvironment.Load(variables, terminal);
            return await command.RunAsync(new CommandContext(Arguments.Parse(words), loaded, terminal, stop.Token));
        }
        catch (CommandFailure failure)
        {
            terminal.Error(failure.Message);
            return failure.ExitCode;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 130;
        }
        catch (Exception fault)
        {
            terminal.WriteError($"caracal: {Scrubber.Scrub(fault.Message)}\n");
            if (variables["CARACAL_DEBUG"] == "1") terminal.WriteError(Scrubber.Scrub(fault.ToString()) + "\n");
            return 1;
        }

        void Cancel(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }

    [GeneratedRegex("^[a-z][a-z0-9-]{0,31}$")]
    private static partial Regex CommandName();
}
