using System.Diagnostics;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Stack;
using Caracal.Storage;
using Caracal.Storage.Postgres;
using Caracal.Storage.Reencryption;
using Caracal.Storage.Sqlite;

namespace Caracal.Cli.KeyRotation;

/// <summary><c>caracal keys reencrypt</c>: the sweep without a running stack, from an old and a new key, for disaster use (operations.md 4.6.1).</summary>
internal static class ReencryptCommand
{
    private const int PlainBase64 = 44;

    public static async Task<int> RunAsync(CommandContext context)
    {
        if (context.Arguments.IsOn("compromised")) return await ExposureCommand.OpenAsync(context, Key(context, "ZONE_KEK_OLD"));
        var keks = new KekRing(new KekSet(Key(context, "ZONE_KEK_NEW"), null, [Key(context, "ZONE_KEK_OLD")]));
        await using var database = Open(context);
        return context.Arguments.IsOn("dry-run") ? await TryAsync(context, database, keks) : await SweepAsync(context, database, keks);
    }

    // Writes nothing: counts, and tries to open every value.
    private static async Task<int> TryAsync(CommandContext context, Database database, KekRing keks)
    {
        var families = new JsonArray();
        var (failed, others) = (0L, 0L);
        foreach (var family in EnvelopeFamily.All)
        {
            var counts = await database.ReadAsync(connection => EnvelopeStore.CountByKeyAsync(connection, family), context.Stop);
            var unopened = await UnopenedAsync(database, family, keks, context.Stop);
            failed += unopened;
            others += counts.Where(count => count.Key != keks.Current.IdHex).Sum(count => count.Value);
            families.Add(new JsonObject
            {
                ["family"] = family.Name,
                ["rows"] = counts.Values.Sum(),
                ["by_kid"] = new JsonObject(counts.Select(count => KeyValuePair.Create(count.Key, (JsonNode?)count.Value))),
                ["undecryptable"] = unopened,
            });
        }

        var report = new JsonObject { ["dry_run"] = true, ["new_kid"] = keks.Current.IdHex, ["families"] = families, ["would_reseal"] = others - failed };
        if (context.Json) context.Terminal.Line(report.ToJsonString());
        else
        {
            foreach (var family in families) context.Terminal.Line($"{family!["family"],-28} {family["rows"],10} rows  {family["by_kid"]!.ToJsonString()}  {family["undecryptable"]} do not open");
            context.Terminal.Info($"{others - failed} values would be sealed with {keks.Current.IdHex}; nothing was written");
        }

        return failed == 0 ? 0 : 1;
    }

    private static async Task<long> UnopenedAsync(Database database, EnvelopeFamily family, KekRing keks, CancellationToken stop)
    {
        var (failed, after) = (0L, (string?)"");
        while (after is not null)
        {
            var from = after;
            var batch = await database.ReadAsync(connection => EnvelopeStore.TryAsync(connection, family, keks, from, 1000), stop);
            failed += batch.Failed.Count;
            after = batch.LastKey;
        }

        return failed;
    }

    private static async Task<int> SweepAsync(CommandContext context, Database database, KekRing keks)
    {
        var start = Stopwatch.GetTimestamp();
        var resealed = new Dictionary<string, SweepProgress>(StringComparer.Ordinal);
        var sweep = new EnvelopeSweep(database, keks, TimeProvider.System)
        {
            BatchSize = context.Arguments.Integer("batch-size", 200, 1, 5000),
            Rate = context.Arguments.Integer("rate", 500, 0, 1_000_000),
            Report = progress =>
            {
                resealed[progress.Family] = progress;
                if (!context.Json && progress.Examined % 10_000 < 200) context.Terminal.Step($"{progress.Family}: {progress.Resealed} sealed anew");
            },
        };
        var run = $"standalone-{keks.Current.IdHex}";
        var clean = await sweep.RunAsync(run, context.Stop);
        var failures = await database.ReadAsync(connection => SweepProgressStore.FailuresAsync(connection, run), context.Stop);
        var left = await database.ReadAsync(connection => EnvelopeStore.CountOthersAsync(connection, keks.Current), context.Stop);
        var count = resealed.Values.Sum(progress => progress.Resealed);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (context.Json)
        {
            context.Terminal.Line(new JsonObject
            {
                ["new_kid"] = keks.Current.IdHex,
                ["resealed"] = count,
                ["left"] = left,
                ["undecryptable"] = failures.Count,
                ["seconds"] = Math.Round(seconds, 2),
            }.ToJsonString());
        }
        else if (clean) context.Terminal.Success($"{count} values sealed with {keks.Current.IdHex} in {seconds:0.0} s; none is left under another key");

        foreach (var failure in failures) context.Terminal.Error($"does not open: {failure}");
        if (!clean && failures.Count == 0) context.Terminal.Error($"{left} values are left; another sweep is running");
        return clean ? 0 : 1;
    }

    /// <summary>The store as its administrator sees it.</summary>
    public static Database Open(CommandContext context)
    {
        if (context.Variables.Has("DATABASE_URL") || context.Variables.Has("DATABASE_URL_FILE") || context.Variables.Has("PGHOST"))
        {
            return new PostgresDatabase(
                new AdministratorAccess(context.Variables).Address(),
                new PostgresSettings { MaximumConnections = 4, MinimumConnections = 0, StatementTimeout = TimeSpan.FromMinutes(5), Instance = "reencrypt" });
        }

        var path = CaracalStack.DatabasePath(context.Arguments.Value("data") ?? context.Paths.Data);
        return File.Exists(path) ? new SqliteDatabase(path, TimeProvider.System) : throw new CommandFailure($"there is no store at {path}, and DATABASE_URL is not set", exitCode: 2);
    }

    private static Kek Key(CommandContext context, string variable)
    {
        var secrets = new SecretSource(context.Variables.All, role: null, published: false);
        var text = secrets.Require(variable)?.Value.Reveal() ?? throw new CommandFailure(string.Join("; ", secrets.Problems));
        if (text.StartsWith("base64:", StringComparison.Ordinal)) text = Hex(text["base64:".Length..], variable);
        else if (text.Length == PlainBase64) text = Hex(text, variable);
        if (SecretRules.KekProblem(text) is { } problem) throw new CommandFailure($"{variable} {problem}");
        return new Kek(Convert.FromHexString(text));
    }

    private static string Hex(string base64, string variable)
    {
        var bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out var length) ? Convert.ToHexStringLower(bytes.AsSpan(0, length)) : throw new CommandFailure($"{variable} must be hex, or base64");
    }
}
