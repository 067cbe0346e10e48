using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Cli.KeyRotation;
using Caracal.Keys.Secrets;
using Caracal.Protocol;

namespace Caracal.Cli.Incidents;

/// <summary>What one hands to whoever investigates: events, proofs that nobody changed them, and the state of the keys.</summary>
internal static class EvidencePack
{
    private const int Page = 10_000;

    public static async Task<int> WriteAsync(CommandContext context, string zone)
    {
        if (context.Arguments.Value("since") is not { } since || context.Arguments.Value("until") is not { } until || context.Arguments.Value("out") is not { } folder)
        {
            throw new CommandFailure("evidence needs --since, --until and --out");
        }

        if (Directory.Exists(folder)) throw new CommandFailure($"{folder} exists; evidence is never mixed");
        SecretFolder.Prepare(folder);
        string[] data = context.Arguments.Value("data") is { } named ? ["--data", named] : [];
        var events = await EventsAsync(context, zone, since, until, data, Path.Combine(folder, "events.jsonl"));
        var verified = await AskAsync(context, Path.Combine(folder, "verification.json"), ["audit", "verify", "--json", .. data]);
        await AskAsync(context, Path.Combine(folder, "keys.json"), ["keys", "list", "--json"]);
        await AskAsync(context, Path.Combine(folder, "rotations.json"), ["keys", "status", "--json"]);
        await AskAsync(context, Path.Combine(folder, "doctor.json"), ["doctor", "--json"]);
        using (var api = new KeysApi(context))
        {
            var span = $"since={Uri.EscapeDataString(since)}&until={Uri.EscapeDataString(until)}&limit=1000";
            await PagesAsync(context, api, $"/v1/zones/{Uri.EscapeDataString(zone)}/admin-audit?{span}", Path.Combine(folder, "admin-audit.jsonl"));
            await PagesAsync(context, api, $"/v1/admin-audit?{span}", Path.Combine(folder, "admin-audit-global.jsonl"));
            await PagesAsync(context, api, "/v1/operations/instances?limit=1000", Path.Combine(folder, "instances.jsonl"));
        }

        var taken = Timestamps.Seconds(TimeProvider.System.GetUtcNow());
        await File.WriteAllTextAsync(
            Path.Combine(folder, "README.txt"),
            $"Evidence of zone {zone}, {since} to {until}, taken {taken} by caracal {BuildInfo.Current.Version} on {System.Environment.MachineName}.\n"
            + $"{events} events. Verification of the ledger: {(verified == 0 ? "every hash, link and MAC holds" : "NOT CLEAN, see verification.json")}.\n"
            + "A file that is empty or ends with not_answered means that its source did not answer. Check with: sha256sum -c SHA256SUMS\n",
            context.Stop);
        var sums = Directory.GetFiles(folder).Order(StringComparer.Ordinal)
            .Select(file => $"{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))}  {Path.GetFileName(file)}\n").ToList();
        await File.WriteAllTextAsync(Path.Combine(folder, "SHA256SUMS"), string.Concat(sums), context.Stop);
        context.Terminal.Success($"{events} events of zone {zone} in {folder}; SHA256SUMS covers {sums.Count} files");
        if (verified != 0) context.Terminal.Error("the ledger does not verify; do not start anything that drops months, and keep this folder");
        return verified;
    }

    private static async Task<long> EventsAsync(CommandContext context, string zone, string since, string until, string[] data, string path)
    {
        await using var file = new StreamWriter(path);
        var (count, after) = (0L, 0L);
        while (true)
        {
            var (exit, output, error) = await RunAsync(
                context, ["audit", "search", "--zone", zone, "--since", since, "--until", until, "--after", $"{after}", "--limit", $"{Page}", "--json", .. data]);
            if (exit != 0) throw new CommandFailure(error.Trim());
            var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            foreach (var line in lines) await file.WriteLineAsync(line);
            count += lines.Length;
            if (lines.Length < Page) return count;
            using var last = JsonDocument.Parse(lines[^1]);
            after = last.RootElement.GetProperty("chain_seq").GetInt64();
        }
    }

    // A row a line. A source that does not answer leaves a file that ends with its refusal, not one that looks whole.
    private static async Task PagesAsync(CommandContext context, KeysApi api, string path, string to)
    {
        await using var file = new StreamWriter(to);
        string? cursor = null;
        do
        {
            var answer = await AnswerAsync(context, api, cursor is null ? path : $"{path}&cursor={Uri.EscapeDataString(cursor)}");
            if (answer is not { IsSuccess: true })
            {
                await file.WriteLineAsync(new JsonObject { ["not_answered"] = path, ["status"] = answer?.Status }.ToJsonString());
                return;
            }

            foreach (var row in answer.Body.GetProperty("items").EnumerateArray()) await file.WriteLineAsync(row.GetRawText());
            cursor = answer.Body.TryGetProperty("next_cursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);
    }

    private static async Task<WireAnswer?> AnswerAsync(CommandContext context, KeysApi api, string path)
    {
        try
        {
            return await api.GetAsync(path, context.Stop);
        }
        catch (CommandFailure)
        {
            return null;
        }
    }

    private static async Task<int> AskAsync(CommandContext context, string path, string[] words)
    {
        var (exit, output, _) = await RunAsync(context, words);
        await File.WriteAllTextAsync(path, output, context.Stop);
        return exit;
    }

    private static async Task<(int Exit, string Output, string Error)> RunAsync(CommandContext context, string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit = await Dispatcher.RunAsync(words, context.Variables, new Terminal(output, error));
        return (exit, output.ToString(), error.ToString());
    }
}
