using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Commands;

/// <summary><c>caracal down [-v] [--yes]</c> (cli.md 5): ends the stack that <c>up</c> started; its data stays.</summary>
internal static class DownCommand
{
    // The longest drain of any service (15 s) and room for closing the stores.
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(30);

    public static Command Descriptor { get; } = new(
        "down", CommandGroup.Stack, "stop the stack that `up` started",
        """
        usage: caracal down [-v] [--yes]

        Asks the background stack to finish its requests and end, and waits for it; after
        `up --compose` ends the containers. Data stays.
        -v      also removes the data, or the volumes: asks for `yes` unless --yes is given
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("yes");
        var removeData = context.Arguments.Operands.Contains("-v");
        if (context.Arguments.Operands.FirstOrDefault(word => word != "-v") is { } unknown)
        {
            throw new CommandFailure($"unknown argument '{unknown}'");
        }

        var paths = context.Paths;
        if (!Directory.Exists(paths.Home))
        {
            context.Terminal.Info("no stack is running");
            return 0;
        }

        var compose = RuntimeRecord.Read(paths.RuntimeRecord) is { Stack: RuntimeRecord.Compose } started ? started.ComposeFiles : null;
        if (removeData && !context.Arguments.IsOn("yes")) RequireYes(context.Terminal, compose is null ? paths.Data : $"the volumes of {compose[0]}");
        using var held = StackLock.Take(paths.Lock);
        if (compose is not null) return await ComposeStack.DownAsync(context, compose, removeData);
        PrintMode(context);
        if (!await StopAsync(context, paths)) return 1;
        if (removeData && Directory.Exists(paths.Data))
        {
            Directory.Delete(paths.Data, recursive: true);
            context.Terminal.Success($"removed {paths.Data}");
        }

        return 0;
    }

    private static async Task<bool> StopAsync(CommandContext context, CaracalPaths paths)
    {
        var record = StackRecord.Read(paths.StackRecord);
        if (record is null || !record.Process.Terminate())
        {
            File.Delete(paths.StackRecord);
            context.Terminal.Info("no stack is running");
            return true;
        }

        var deadline = TimeProvider.System.GetTimestamp();
        while (record.Process.IsRunning)
        {
            if (TimeProvider.System.GetElapsedTime(deadline) > DrainTime)
            {
                context.Terminal.Error($"the stack (pid {record.Pid}) is still draining after {DrainTime.TotalSeconds:0} s; see {paths.Logs}");
                return false;
            }

            await Task.Delay(50, context.Stop);
        }

        File.Delete(paths.StackRecord);
        context.Terminal.Success($"stopped (pid {record.Pid}); data stays in {paths.Data}");
        return true;
    }

    private static void PrintMode(CommandContext context) =>
        context.Terminal.Banner($"caracal mode: {ModeVariable.Read(context.Variables) ?? "dev"} (embedded stack)");

    private static void RequireYes(Terminal terminal, string data)
    {
        terminal.Write($"this removes every zone, key and audit record in {data}; type yes to go on: ");
        if (System.Console.In.ReadLine()?.Trim() != "yes") throw new CommandFailure("nothing was removed");
    }
}
