using System.Diagnostics;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Processes;
using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Cli.Commands;

/// <summary><c>caracal up</c> (cli.md 5): provisions, starts the stack in the background, waits until it is ready.</summary>
internal static class UpCommand
{
    private static readonly TimeSpan ReadyTime = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    public static Command Descriptor { get; } = new(
        "up", CommandGroup.Stack, "start the stack in the background and wait until it is ready",
        """
        usage: caracal up [--compose [--file F]... [SERVICE...]]

        Starts all services in one background process, waits until every one is ready, and prints
        their addresses. They keep their state in the embedded store, or, with DATABASE_URL and
        REDIS_URL set, in PostgreSQL and Redis. Files live under CARACAL_HOME (~/.local/share/caracal).

        --compose   the packaged containers instead, by docker compose: makes their secrets if there are
                    none, starts them and waits until every one is ready
        --file F    its file, or one more; else CARACAL_COMPOSE_FILE, else compose.yaml in this folder
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        var arguments = Arguments.Parse(context.Arguments.Words, "compose");
        if (arguments.IsOn("compose")) return await ComposeStack.UpAsync(context with { Arguments = arguments });
        context.Arguments.RequireKnown();
        if (context.Arguments.Operands.Count > 0) throw new CommandFailure($"unknown argument '{context.Arguments.Operands[0]}'");
        var paths = context.Paths;
        StackHome.Prepare(paths);
        using var held = StackLock.Take(paths.Lock);
        var mode = ModeVariable.Read(context.Variables);
        var embedded = !HasServers(context.Variables);
        context.Terminal.Banner($"caracal mode: {mode ?? (embedded ? "dev" : "stable")} ({(embedded ? "embedded stack" : "PostgreSQL and Redis")})");
        if (mode is null && embedded) context.Terminal.Info("CARACAL_MODE is not set; the embedded stack uses dev");

        if (StackRecord.Read(paths.StackRecord) is { } record && record.Process.IsRunning)
        {
            context.Terminal.Success($"already running (pid {record.Pid})");
            PrintUrls(context.Terminal, record.Urls);
            return 0;
        }

        RuntimeRecord.Read(paths.RuntimeRecord)?.RefuseIfNewerThan(BuildInfo.Current.Version, paths.Home);
        var variables = StackHome.Provision(
            embedded ? context.Variables.WithDefault("CARACAL_MODE", "dev") : context.Variables, paths, context.Terminal);
        var ports = StackPorts.Of(variables.All, StackRoles.All);
        StackPreflight.Check(variables, ports);
        new RuntimeRecord(BuildInfo.Current.Version, TimeProvider.System.GetUtcNow(), RuntimeRecord.Embedded).Write(paths.RuntimeRecord);
        return await StartAsync(context, variables, paths, ports);
    }

    // One alone is an error (cli.md 5): it would not do what was meant.
    private static bool HasServers(ProcessVariables variables)
    {
        var (database, redis) = (IsSet("DATABASE_URL"), IsSet("REDIS_URL"));
        if (database != redis) throw new CommandFailure($"{(database ? "REDIS_URL" : "DATABASE_URL")} is required beside {(database ? "DATABASE_URL" : "REDIS_URL")}");
        return database;

        bool IsSet(string name) => variables.Has(name) || variables.Has(name + "_FILE");
    }

    private static async Task<int> StartAsync(
        CommandContext context, ProcessVariables variables, CaracalPaths paths, IReadOnlyDictionary<string, int> ports)
    {
        var log = StackHome.FreshLog(paths);
        using var process = Detachment.Start(["serve", "--role", "all"], variables.All, log);
        var urls = ports.ToDictionary(port => port.Key, port => $"http://127.0.0.1:{port.Value}");
        var identity = ProcessIdentity.Of(process.Id);
        if (identity is not null) new StackRecord(identity.Pid, identity.Started, StackRoles.All, urls).Write(paths.StackRecord);

        var services = urls.Select(url => new ServiceUrl(url.Key, new Uri(url.Value))).ToList();
        if (!await WaitUntilReadyAsync(context, process, services, log)) return 1;
        context.Terminal.Success("runtime services ready");
        PrintUrls(context.Terminal, urls);
        return 0;
    }

    private static async Task<bool> WaitUntilReadyAsync(CommandContext context, Process process, List<ServiceUrl> services, string log)
    {
        var started = TimeProvider.System.GetTimestamp();
        var reported = started;
        var waiting = "";
        while (true)
        {
            var results = await ServiceProbe.ProbeAsync(services, ready: true, context.Stop);
            var failing = results.Where(result => !result.Ok).ToList();
            if (failing.Count == 0) return true;
            if (process.HasExited)
            {
                context.Terminal.Error($"the stack ended with exit code {process.ExitCode}; {log} ends with:");
                foreach (var line in File.ReadLines(log).TakeLast(15)) context.Terminal.WriteError($"  {Scrubber.Scrub(line)}\n");
                return false;
            }

            if (TimeProvider.System.GetElapsedTime(started) > ReadyTime)
            {
                foreach (var result in failing) context.Terminal.Error($"{result.Service.Name} is not ready: {result.Detail}");
                return false;
            }

            var names = string.Join(", ", failing.Select(result => result.Service.Name));
            var patience = TimeProvider.System.GetElapsedTime(started) > TimeSpan.FromSeconds(1);
            if (patience && (names != waiting || TimeProvider.System.GetElapsedTime(reported) > ReportInterval))
            {
                context.Terminal.Step($"waiting on {names}");
                (waiting, reported) = (names, TimeProvider.System.GetTimestamp());
            }

            await Task.Delay(PollInterval, context.Stop);
        }
    }

    private static void PrintUrls(Terminal terminal, IReadOnlyDictionary<string, string> urls)
    {
        foreach (var (name, url) in urls) terminal.Line($"  {name,-12} {url}");
    }
}
