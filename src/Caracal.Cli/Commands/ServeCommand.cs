using Caracal.Cli.CommandLine;
using Caracal.Cli.Hardening;
using Caracal.Cli.Processes;
using Caracal.Hosting.Settings;
using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Cli.Commands;

/// <summary><c>caracal serve [--role R[,R…]]</c> (cli.md 5): the foreground form for containers and systemd.</summary>
internal static class ServeCommand
{
    public static Command Descriptor { get; } = new(
        "serve", CommandGroup.Stack, "run services in the foreground until SIGTERM",
        """
        usage: caracal serve [--role sts,api,gateway,coordinator,audit]

        Runs the named roles (default: all) in this process; each listens on its own port. With
        DATABASE_URL and REDIS_URL the roles of a system may run in any number of processes; without
        them all roles share one process and the embedded store under CARACAL_HOME/data.
        Settings come from the environment; a refused configuration lists every fault and exits 78.
        CARACAL_MODE unset means stable.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("role");
        AllocatorArenas.Limit();
        var roles = ReadRoles(context.Arguments.Value("role") ?? "all");
        var data = context.Paths.Data;
        Directory.CreateDirectory(context.Paths.Home);
        SecretFolder.Prepare(data);
        try
        {
            await using var stack = await CaracalStack.StartAsync(
                new StackOptions
                {
                    Variables = context.Variables.All,
                    DataDirectory = data,
                    Roles = roles,
                    Log = System.Console.Error,
                    Version = BuildInfo.Current.Version,
                    Revision = BuildInfo.Current.Sha,
                    Inspect = HardeningInspection.Of(context.Variables),
                },
                context.Stop);
            BatchScheduling.EnterSocketThreads();
            await Task.Delay(Timeout.InfiniteTimeSpan, context.Stop).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            await stack.StopAsync();
            return 0;
        }
        catch (SettingsException refused)
        {
            foreach (var fault in refused.Faults) context.Terminal.Error(fault);
            return SettingsException.ExitCode;
        }
    }

    private static List<string> ReadRoles(string text)
    {
        if (text == "all") return [.. StackRoles.All];
        var asked = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (asked.FirstOrDefault(role => !StackRoles.All.Contains(role)) is { } unknown)
        {
            throw new CommandFailure($"there is no role '{unknown}'; roles are {string.Join(", ", StackRoles.All)}");
        }

        if (asked.Length == 0) throw new CommandFailure($"--role names no role; roles are {string.Join(", ", StackRoles.All)}");
        return [.. StackRoles.All.Where(asked.Contains)];
    }
}
