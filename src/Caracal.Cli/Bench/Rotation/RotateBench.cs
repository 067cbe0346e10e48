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
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(1);

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
    private readonly Dictionary<string, (double Seconds, List<long> Calm, List<long> During, int Failures)> rows = new(StringComparer.Ordinal);

    public static async Task<int> RunAsync(BenchPlan plan, CommandContext context)
    {
        await using var upstream = await LoopbackUpstream.StartAsync(remember: false, context.Stop);
        using var folder = new RotatedFolder(plan.Home);
        await using var traces = await TraceSink.StartAsync(Path.Combine(folder.Path, "traces.bin"), context.Stop);
        var settings = new Dictionary<string, string?>(Settings, StringComparer.Ordinal) { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = traces.Url };
        await using IMeasuredStack stack = plan.Separate
            ? await FleetStack.StartAsync(context.Stop, settings, folder.Path)
            : await BenchStack.StartAsync(folder.Path, context.Stop, settings);
        var figures = await new RotateBench(stack, context).MeasureAsync(upstream.Url, plan.WarmupSeconds);
        if (context.Json) context.Terminal.Line(figures.ToJsonLine());
        else figures.Print(context.Terminal);
        return figures.Failures.Count == 0 && figures.Leak is null ? 0 : 1;
    }

    private async Task<RotationFigures> MeasureAsync(string upstreamUrl, int warmup)
    {
        var passes = context.Arguments.Integer("passes", 2, 1, 100);
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var zone = await GovernedZone.CreateAsync(
            wire, stack.AdminToken, new ZoneBlueprint { Name = "bench", UpstreamUrl = upstreamUrl, ApiKey = "bench-upstream-key" }, context.Stop);
        var application = new AgentApplication(wire, zone);
        var workload = (await CallAsync(wire, $"/v1/zones/{zone.ZoneId}/workloads", """{"name":"bench"}""")).Require("workload");
        values.Add(workload["secret"]);
        values.Add(zone.Blueprint.ApiKey);
        var authorities = new List<AgentAuthority>();
        for (var i = 0; i < Callers; i++) authorities.Add(await application.ProvisionAsync(zone.Blueprint.Scopes, depth: 1, context.Stop));
        IReadOnlyCollection<string> failures;
        int requests;
        await using var answers = new AnswerLog(Path.Combine(stack.Files.Folder, "answers.txt"));
        await using (var load = new RotationLoad(wire, application) { Heard = answers.Add })
        {
            load.Start(authorities);
            await Task.Delay(TimeSpan.FromSeconds(warmup), context.Stop);
            for (var pass = 1; pass <= passes; pass++)
            {
                foreach (var rotated in RotatableClass.Known.Where(known => Wanted(known.Id) && File.Exists(Path.Combine(stack.Files.Secrets, known.FileName))))
                {
                    await UnderLoadAsync(load, rotated.Id, () => RotateAsync(rotated));
                }

                var again = pass > 1;
                await UnderLoadAsync(load, KeyClass.ZoneSigning, () => RotateZoneKeyAsync(wire, zone, again));
                await UnderLoadAsync(load, "workload-secret", () => RotateWorkloadAsync(wire, zone, workload["id"]));
                await UnderLoadAsync(load, "provider-credential", () => RotateCredentialAsync(wire, zone));
                await UnderLoadAsync(load, "app-secret", async () => load.Use(new AgentApplication(wire, zone = await RotateSecretAsync(wire, zone))));
            }

            (failures, requests) = (load.Failures, load.Requests);
        }

        await answers.AskAsync(stack, wire, context.Stop);
        await answers.CloseAsync();
        var (files, leak) = Search();
        return new RotationFigures(
            [.. rows.Select(row => new ClassFigures(row.Key, row.Value.Seconds, [.. row.Value.Calm.Order()], [.. row.Value.During.Order()], row.Value.Failures))],
            requests, failures, values.Count, files, leak);
    }

    private async Task UnderLoadAsync(RotationLoad load, string name, Func<Task> rotate)
    {
        Remember();
        var failed = load.Failures.Count;
        var before = Stopwatch.GetTimestamp();
        await Task.Delay(Calm, context.Stop);
        var start = Stopwatch.GetTimestamp();
        await rotate();
        var end = Stopwatch.GetTimestamp();
        await Task.Delay(Calm, context.Stop);
        var after = Stopwatch.GetTimestamp();
        Remember();
        var row = rows.TryGetValue(name, out var known) ? known : (0, [], [], 0);
        row.Calm.AddRange([.. load.Between(before, start), .. load.Between(end, after)]);
        row.During.AddRange(load.Between(start, end));
        rows[name] = (row.Seconds + Stopwatch.GetElapsedTime(start, end).TotalSeconds, row.Calm, row.During, row.Failures + load.Failures.Count - failed);
        context.Terminal.Step($"{name}: {Stopwatch.GetElapsedTime(start, end).TotalSeconds:0.0} s");
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

    private Task<WireAnswer> CallAsync(WireClient wire, string path, string body) => wire.ApiAsync(HttpMethod.Post, path, stack.AdminToken, body, context.Stop);

    private async Task RotateZoneKeyAsync(WireClient wire, GovernedZone zone, bool again) => (await CallAsync(
        wire, $"/v1/zones/{zone.ZoneId}/keys/rotate",
        $$"""{"activation":"immediate","reason":"the benchmark rotates every class","force":{{(again ? "true" : "false")}}}""")).Require("zone key");

    private async Task RotateWorkloadAsync(WireClient wire, GovernedZone zone, string id) => values.Add((await CallAsync(
        wire, $"/v1/zones/{zone.ZoneId}/workloads/{id}/rotate-secret",
        """{"overlap_seconds":60,"reason":"the benchmark rotates every class"}""")).Require("workload secret")["secret"]);

    // The upstream here lets everybody in, so no canary proves anything.
    private async Task RotateCredentialAsync(WireClient wire, GovernedZone zone)
    {
        var providers = await wire.ApiAsync(HttpMethod.Get, $"/v1/zones/{zone.ZoneId}/providers", stack.AdminToken, null, context.Stop);
        var path = $"/v1/zones/{zone.ZoneId}/providers/{providers.Body.GetProperty("items")[0].GetProperty("id").GetString()}/credential";
        var key = Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(24));
        values.Add(key);
        (await CallAsync(wire, path + "/stage", $$$"""{"config_json":{"api_key":"{{{key}}}"}}""")).Require("stage");
        (await CallAsync(wire, path + "/shift", """{"force":true}""")).Require("shift");
        (await CallAsync(wire, path + "/retire", """{"force":true}""")).Require("retire");
    }

    private async Task<GovernedZone> RotateSecretAsync(WireClient wire, GovernedZone zone)
    {
        var answer = (await CallAsync(
            wire, $"/v1/zones/{zone.ZoneId}/applications/{zone.ApplicationId}/rotate-secret",
            """{"overlap_seconds":60,"reason":"the benchmark rotates every class"}""")).Require("application secret");
        values.Add(zone.ClientSecret);
        values.Add(answer["client_secret"]);
        return zone with { ClientSecret = answer["client_secret"] };
    }

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
