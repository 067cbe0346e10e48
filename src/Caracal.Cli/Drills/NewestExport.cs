using System.Text.Json.Nodes;
using Caracal.Audit.Export;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Ledger;
using Caracal.Evidence.Ledger;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Ledger;

namespace Caracal.Cli.Drills;

/// <summary>
/// The other way back: the newest hour of the ledger's export, verified against its manifest, and against the rows that the
/// restored store has of it (operations.md 9, audit.md 8).
/// </summary>
/// <param name="Told">What the drill's line keeps of it; null where no export is known.</param>
/// <param name="Holds">True also where there is none.</param>
internal sealed record NewestExport(JsonObject? Told, bool Holds)
{
    /// <summary>Looks into <c>--export</c>, else where Audit's variables say that it exports to.</summary>
    public static async Task<NewestExport> ProveAsync(CommandContext context, Database restored)
    {
        if (Target(context) is not { } target) return new NewestExport(null, Holds: true);
        var last = new Dictionary<string, ChainHead>(StringComparer.Ordinal);
        try
        {
            var trust = new ExportTrust { AuditKeys = LedgerKeys.Load(context) };
            var report = await new ExportVerification(target, trust, row => last[row.Entry.ZoneId] = row.Head).RunNewestAsync(null, context.Stop);
            var others = await OthersAsync(restored, last, context.Stop);
            var findings = report.Findings.Select(finding => $"{finding.Hour} {finding.Word}: {finding.Detail}".TrimStart())
                .Concat(others.Select(zone => $"the restored ledger of {zone} has another row in place of the exported one"));
            return Of(report.IsClean && others.Count == 0, report.Hours, report.Events, findings);
        }
        catch (ExportTargetException fault)
        {
            return Of(false, 0, 0, [Scrubber.Scrub(fault.Message)]);
        }
    }

    private static IExportTarget? Target(CommandContext context)
    {
        if (context.Arguments.Value("export") is { } folder) return ExportFolder.Open(folder);
        var settings = AuditVariables.Read(context.Variables, ExportSettings.Read);
        return settings.IsOn ? ExportTargets.Of(settings, TimeProvider.System) : null;
    }

    // Of rows that the backup is too old for there is nothing to compare.
    private static async Task<IReadOnlyList<string>> OthersAsync(Database restored, Dictionary<string, ChainHead> last, CancellationToken stop)
    {
        var ledger = new LedgerReader(restored);
        var others = new List<string>();
        foreach (var (zone, exported) in last)
        {
            if ((await ledger.HeadAsync(zone, stop)).Seq < exported.Seq) continue;
            var row = await ledger.PredecessorAsync(zone, exported.Seq + 1, stop);
            if (row?.Head != exported) others.Add(zone);
        }

        return others;
    }

    private static NewestExport Of(bool holds, int hours, long events, IEnumerable<string> findings) => new(
        new JsonObject { ["ok"] = holds, ["hours"] = hours, ["events"] = events, ["findings"] = new JsonArray([.. findings.Take(10)]) }, holds);
}
