using System.Diagnostics;
using System.Text.Json.Nodes;
using Caracal.Audit.Tampering;
using Caracal.Cli.Backups;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Ledger;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Backups;
using Caracal.Storage.Postgres;
using Caracal.Storage.Reencryption;
using Dapper;

namespace Caracal.Cli.Drills;

/// <summary><c>caracal drill restore</c>: proves that the newest backup can be brought back, beside everything that runs.</summary>
internal static class RestoreDrill
{
    public const string Name = "restore";

    public static async Task<int> RunAsync(CommandContext context)
    {
        if (context.Arguments.Operands.Count > 2) throw new CommandFailure("say which: caracal drill restore [BUNDLE]");
        var bundle = context.Arguments.Operands.Count == 2 ? context.Arguments.Operands[1]
            : BackupBundle.In(BackupCommand.Folder(context.Paths)) is [.., var newest] ? newest
            : throw new CommandFailure($"there is no backup in {BackupCommand.Folder(context.Paths)}");
        if (!File.Exists(bundle)) throw new CommandFailure($"there is no backup at {bundle}");
        var now = TimeProvider.System.GetUtcNow();
        var folder = Directory.CreateTempSubdirectory("caracal-drill-").FullName;
        try
        {
            return await RunAsync(context, bundle, folder, now);
        }
        catch (Exception fault) when (fault is StoreBackupException or CommandFailure or StorageUnavailableException or System.Data.Common.DbException)
        {
            // What cannot be brought back has failed the drill, and the one before it says nothing any more.
            var line = new JsonObject { ["at"] = Timestamps.Seconds(now), ["drill"] = Name, ["bundle"] = Path.GetFileName(bundle), ["ok"] = false, ["error"] = Scrubber.Scrub(fault.Message) };
            await DrillRecords.AddAsync(context, line, now, rpo: null, rto: null);
            throw new CommandFailure(Scrubber.Scrub(fault.Message), (fault as CommandFailure)?.ExitCode ?? 1);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<int> RunAsync(CommandContext context, string bundle, string folder, DateTimeOffset now)
    {
        var start = Stopwatch.GetTimestamp();
        var ring = BackupKeys.Kek(context);
        var manifest = await BackupBundle.ReadAsync(bundle, ring, folder, context.Stop);
        PostgresAddress? isolated = null;
        try
        {
            var (placed, _) = await RestoredStore.PlaceAsync(
                manifest, folder, Path.Combine(folder, "drill", "caracal.db"), replace: false, now, () => isolated = Beside(context), context.Terminal, context.Stop);
            await using var store = placed;
            var took = Stopwatch.GetElapsedTime(start);
            var unopened = await UnopenedAsync(store, ring, context.Stop);
            var report = await new LedgerVerification(store, LedgerKeys.Find(context)).VerifyAllAsync(context.Stop);
            var alive = await store.ReadAsync(AliveAsync, context.Stop);
            var export = await NewestExport.ProveAsync(context, store);
            var good = unopened == 0 && report.IsClean && alive == 0 && export.Holds;
            var line = new JsonObject
            {
                ["at"] = Timestamps.Seconds(now),
                ["drill"] = Name,
                ["bundle"] = Path.GetFileName(bundle),
                ["ok"] = good,
                ["backup_age_seconds"] = (long)(now - manifest.TakenAt).TotalSeconds,
                ["restore_seconds"] = Math.Round(took.TotalSeconds, 1),
                ["events_verified"] = report.Checked,
                ["values_unopened"] = unopened,
                ["still_alive"] = alive,
                ["export"] = export.Told,
            };
            await DrillRecords.AddAsync(context, line, now, (long)line["backup_age_seconds"]!, (long)Math.Ceiling(took.TotalSeconds));
            if (context.Json) context.Terminal.Line(line.ToJsonString());
            else Tell(context.Terminal, line, report);
            return good ? 0 : 1;
        }
        finally
        {
            if (isolated is not null) await IsolatedDatabase.DropAsync(isolated, CancellationToken.None);
        }
    }

    private static void Tell(Terminal terminal, JsonObject line, Evidence.Ledger.ChainReport report)
    {
        AuditVerify.Print(terminal, report);
        terminal.Line($"{terminal.Mark((bool)line["ok"]!)} restored in {line["restore_seconds"]} s; what happened in the {line["backup_age_seconds"]} s since the backup would be lost");
        if ((long)line["values_unopened"]! > 0) terminal.Error($"{line["values_unopened"]} sealed values do not open");
        if ((long)line["still_alive"]! > 0) terminal.Error($"{line["still_alive"]} sessions, delegations, records or policies are alive");
        if (line["export"] is not JsonObject export) terminal.Info("no export is known here (--export DIR, or AUDIT_EXPORT_DIR or AUDIT_EXPORT_S3_BUCKET): none was verified");
        else
        {
            foreach (var finding in export["findings"]!.AsArray()) terminal.Error($"export: {finding}");
            terminal.Line($"{terminal.Mark((bool)export["ok"]!)} the newest export has {export["events"]} events in {export["hours"]} hours");
        }
    }

    private static PostgresAddress Beside(CommandContext context)
    {
        var address = new AdministratorAccess(context.Variables).Address();

        // Two drills in one second must not drop each other's.
        return address.ForDatabase($"{address.Database}_drill_{TimeProvider.System.GetUtcNow().UtcDateTime:yyyyMMddHHmmss}_{Ids.NewRandom()[..8]}");
    }

    private static async Task<long> UnopenedAsync(Database store, KekRing ring, CancellationToken stop)
    {
        var failed = 0L;
        foreach (var family in EnvelopeFamily.All)
        {
            for (var after = (string?)""; after is not null;)
            {
                var from = after;
                var batch = await store.ReadAsync(connection => EnvelopeStore.TryAsync(connection, family, ring, from, 1000), stop);
                failed += batch.Failed.Count;
                after = batch.LastKey;
            }
        }

        return failed;
    }

    private static Task<long> AliveAsync(System.Data.Common.DbConnection connection) => connection.ExecuteScalarAsync<long>(
        """
        SELECT (SELECT count(*) FROM authority_records WHERE status = 'active') + (SELECT count(*) FROM sessions WHERE status IN ('active', 'suspended'))
             + (SELECT count(*) FROM delegation_edges WHERE status = 'active') + (SELECT count(*) FROM policy_set_bindings WHERE active_version_id IS NOT NULL)
        """);
}
