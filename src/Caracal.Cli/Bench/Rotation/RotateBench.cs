using System.Diagnostics;
using System.Text;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.KeyRotation;
using Caracal.Cli.Processes;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Bench.Rotation;

/// <summary>
/// <c>caracal bench rotate</c>: rotates every class in turn, and all again, with the code of <c>caracal keys rotate</c> under a
/// steady governed load, and looks for every value that ever was in everything that was written meanwhile.
/// </summary>
internal sealed class RotateBench(IMeasuredStack stack, CommandContext context)
{
    private const int Callers = 4;
    private static readonly TimeSpan Stretch = TimeSpan.FromSeconds(3);

    // Of changes at the API; one of a credential is three of them.
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan CredentialPace = 3 * Pace;

    // After the warm-up, where nine processes share two cores: a load that leaves no moment idle measures how long its queue is.
    private static readonly TimeSpan SeparatePace = TimeSpan.FromMilliseconds(50);

    // A Gateway asks for a key that it does not know once a second at most, however many are made up for it.
    private static readonly TimeSpan ZoneKeyPace = TimeSpan.FromMilliseconds(1500);

    // Time windows are for people; here every rotation ends as an emergency does, which is the harder test.
    private static readonly Dictionary<string, string?> Settings = new(BenchStack.Limits, StringComparer.Ordinal)
    {
        ["SECRETS_RELOAD_SECONDS"] = "1",
        ["ROTATION_PROBE_INTERVAL_MS"] = "100",
        ["REENCRYPTION_ROWS_PER_SECOND"] = "0",
        ["API_V1_RATE_LIMIT_PER_MIN"] = "0",
        ["READY_RATE_LIMIT_PER_MIN"] = "0",
        ["LOG_LEVEL"] = "info",
        ["OTEL_TRACES_SAMPLER_ARG"] = "0.1",
    };

    private readonly StringBuilder printed = new();
    private readonly HashSet<string> values = new(StringComparer.Ordinal);
    private readonly RotationWindows windows = new();
    private (long From, long To) calm;

    public static async Task<int> RunAsync(BenchPlan plan, CommandContext context)
    {
        await using var upstream = await LoopbackUpstream.StartAsync(remember: false, context.Stop);
        using var folder = new RotatedFolder(plan.Home);
        await using var traces = await TraceSink.StartAsync(Path.Combine(folder.Path, "traces.bin"), context.Stop);
        var settings = new Dictionary<string, string?>(Settings, StringComparer.Ordinal) { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = traces.Url };
        await using IMeasuredStack stack = plan.Separate
            ? await FleetStack.StartAsync(context.Stop, settings, folder.Path)
            : await BenchStack.StartAsync(folder.Path, context.Stop, settings);
        if (await new RotateBench(stack, context).MeasureAsync(upstream.Url, plan) is not { } figures) return 0;
        if (context.Json) context.Terminal.Line(figures.ToJsonLine());
        else figures.Print(context.Terminal);
        return figures.Failures.Count == 0 && figures.Leak is null ? 0 : 1;
    }

    private int Passes => context.Arguments.Integer("passes", 2, 1, 100);

    private int CallsOfAPass => context.Arguments.Integer("calls", 1000, 1, 1_000_000) / Passes;

    private async Task<RotationFigures?> MeasureAsync(string upstreamUrl, BenchPlan plan)
    {
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var zone = await GovernedZone.CreateAsync(
            wire, stack.AdminToken, new ZoneBlueprint { Name = "bench", UpstreamUrl = upstreamUrl, ApiKey = "bench-upstream-key" }, context.Stop);
        var application = new AgentApplication(wire, zone);
        var workload = (await wire.ApiAsync(
            HttpMethod.Post, $"/v1/zones/{zone.ZoneId}/workloads", stack.AdminToken, """{"name":"bench"}""", context.Stop)).Require("workload");
        values.Add(workload["secret"]);
        values.Add(zone.Blueprint.ApiKey);
        var authorities = new List<AgentAuthority>();
        for (var i = 0; i < Callers; i++) authorities.Add(await application.ProvisionAsync(zone.Blueprint.Scopes, depth: 1, context.Stop));
        await using var answers = new AnswerLog(Path.Combine(stack.Files.Folder, "answers.txt"));
        await using var load = new RotationLoad(wire, application) { Heard = answers.Add };
        load.Start(authorities);
        await Task.Delay(TimeSpan.FromSeconds(plan.WarmupSeconds), context.Stop);
        if (plan.Separate) load.Pace = SeparatePace;
        if (context.Arguments.Integer("null", 0, 0, 3600) is var idle and > 0) return await NothingAsync(load, TimeSpan.FromSeconds(idle));
        await CalmAsync(load);
        var own = new ApiRotations(wire, stack, zone, workload["id"], values, context.Stop);
        for (var pass = 1; pass <= Passes; pass++)
        {
            foreach (var rotated in RotatableClass.Known.Where(known => Wanted(known.Id) && File.Exists(Path.Combine(stack.Files.Secrets, known.FileName))))
            {
                await UnderLoadAsync(rotated.Id, load, () => RotateAsync(rotated));
            }

            await RepeatedlyAsync(KeyClass.ZoneSigning, load, own.ZoneKeyAsync, ZoneKeyPace);
            await RepeatedlyAsync("workload-secret", load, own.WorkloadAsync);
            await RepeatedlyAsync("provider-credential", load, own.CredentialAsync, CredentialPace);
            await RepeatedlyAsync("app-secret", load, async () =>
            {
                await own.ApplicationAsync();
                load.Use(new AgentApplication(wire, own.Zone));
            });
        }

        await load.StopAsync();
        await answers.AskAsync(stack, wire, context.Stop);
        await answers.CloseAsync();
        var (files, leak) = Search();
        if (windows.IsEmpty) throw new CommandFailure($"--class: there is no {context.Arguments.Value("class")} here");
        return new RotationFigures(windows.Judge(load.Calls), load.Requests, load.Failures, values.Count, files, leak);
    }

    // What the ratios of the table are worth: the same calls while nothing rotates at all.
    private async Task<RotationFigures?> NothingAsync(RotationLoad load, TimeSpan idle)
    {
        var begin = Stopwatch.GetTimestamp();
        await Task.Delay(idle, context.Stop);
        await load.StopAsync();
        var rows = NullRatios.Of(load.Calls.Where(call => call.Started >= begin));
        if (context.Json) context.Terminal.Line(NullRatios.ToJsonLine(rows));
        else NullRatios.Print(rows, context.Terminal);
        return null;
    }

    // One rotation meets some hundred calls, whose p99 is that of the slowest one or two, and tells of them and not of it: so others
    // follow until enough calls were met.
    private async Task UnderLoadAsync(string name, RotationLoad load, Func<Task> rotate)
    {
        Remember();
        var before = calm;
        var (least, enough) = (context.Arguments.Integer("times", 2, 1, 100), load.Requests + CallsOfAPass);
        var times = 0;
        var start = Stopwatch.GetTimestamp();
        while (times < least || load.Requests < enough)
        {
            await rotate();
            Remember();
            times++;
        }

        var end = Stopwatch.GetTimestamp();
        await CalmAsync(load);
        windows.Add(name, before, (start, end), times, calm);
        context.Terminal.Step($"{name}: {Stopwatch.GetElapsedTime(start, end).TotalSeconds:0.0} s");
    }

    // One rotation is over in milliseconds and meets a handful of calls, whose p99 says nothing: so one follows the other for a
    // while, ten changes a second unless said otherwise, and every call of that while counts. Between two of them every caller takes up
    // what it was given.
    private async Task RepeatedlyAsync(string name, RotationLoad load, Func<Task> rotate, TimeSpan? every = null)
    {
        if (!Wanted(name)) return;
        Remember();
        var before = calm;
        var (count, enough) = (0, load.Requests + CallsOfAPass);
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < Stretch || load.Requests < enough)
        {
            var begin = Stopwatch.GetTimestamp();
            await rotate();
            count++;
            await load.SwitchedAsync(context.Stop);
            if ((every ?? Pace) - Stopwatch.GetElapsedTime(begin) is var rest && rest > TimeSpan.Zero) await Task.Delay(rest, context.Stop);
        }

        var end = Stopwatch.GetTimestamp();
        await CalmAsync(load);
        windows.Add(name, before, (start, end), count, calm);
        context.Terminal.Step($"{name}: {count} times");
    }

    // What comes after one class comes before the next.
    private async Task CalmAsync(RotationLoad load)
    {
        var (start, enough) = (Stopwatch.GetTimestamp(), load.Requests + CallsOfAPass);
        await Task.Delay(TimeSpan.FromSeconds(context.Arguments.Integer("calm", 4, 1, 60)), context.Stop);
        while (load.Requests < enough) await Task.Delay(10, context.Stop);
        calm = (start, Stopwatch.GetTimestamp());
    }

    private async Task RotateAsync(RotatableClass rotated)
    {
        var backup = Path.Combine(stack.Files.Folder, "backup");
        await File.WriteAllTextAsync(backup, "stands for a backup", context.Stop);
        var words = new[]
        {
            "rotate", rotated.Id, "--reason", "the benchmark rotates every class", "--actor", "bench@example.com", "--reason-kind", "compromise",
            "--emergency", "--overlap", "0", "--backup", backup, "--wait",
        };
        var variables = new ProcessVariables(stack.Files.Variables).With("CARACAL_API_URL", stack.Urls["api"]).With("CARACAL_ENV", "development");
        await using var writer = new StringWriter(printed, System.Globalization.CultureInfo.InvariantCulture);
        foreach (var (name, value) in stack.Administrator) variables = variables.With(name, value);
        var own = new Terminal(writer, writer);
        if (await KeysCommand.Descriptor.RunAsync(new CommandContext(Arguments.Parse(words), variables, own, context.Stop)) != 0)
        {
            throw new CommandFailure($"{rotated.Id} was not rotated");
        }
    }

    // A part of the classes, where a run must be short: --class postgres,redis.
    private bool Wanted(string classId) =>
        context.Arguments.Value("class") is not { } some || some.Split(',').Any(name => name == classId || name == classId.Split(':')[0]);

    // Every value of every slot, old and new.
    private void Remember()
    {
        foreach (var rotated in RotatableClass.All)
        {
            foreach (var value in new SlotFiles(stack.Files.Secrets, rotated).Secrets()) values.Add(value.Reveal());
        }

        foreach (var rotated in RotatableClass.Credentials)
        {
            foreach (var value in CredentialAddress.Passwords(new CredentialFiles(stack.Files.Secrets, rotated))) values.Add(value.Reveal());
        }
    }

    private (int Files, string? Leak) Search()
    {
        var needles = values.Select(value => new SecretText(value)).ToList();
        var written = Path.Combine(stack.Files.Folder, "printed.txt");
        File.WriteAllText(written, printed.ToString(), Encoding.UTF8);
        var files = Directory.EnumerateFiles(stack.Files.Folder, "*", SearchOption.AllDirectories)
            .Where(file => new FileInfo(file).Length > 0 && !file.StartsWith(stack.Files.Secrets + Path.DirectorySeparatorChar, StringComparison.Ordinal)).ToList();
        return (files.Count, files.FirstOrDefault(file => LogScan.Holds(file, needles)));
    }
}
