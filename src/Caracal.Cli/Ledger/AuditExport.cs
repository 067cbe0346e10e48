using Caracal.Audit;
using Caracal.Audit.Checkpoints;
using Caracal.Audit.Export;
using Caracal.Cli.CommandLine;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Microsoft.Extensions.Logging;

namespace Caracal.Cli.Ledger;

/// <summary><c>caracal audit export</c>: writes the hours that are complete into a folder, once; the service does it every hour.</summary>
internal static class AuditExport
{
    public static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("to", "data", "json");
        var folder = context.Arguments.Value("to") ?? throw new CommandFailure("usage: caracal audit export --to DIR");
        await using var ledger = AuditCommand.Open(context);
        var clock = new DatabaseClock(ledger, TimeProvider.System);
        await clock.MeasureAsync(context.Stop);
        var signer = AuditVariables.Read(LedgerKeys.WithSecrets(context).With("CARACAL_MODE", "dev"), CheckpointSettings.Read).Signer;
        if (signer is null) context.Terminal.Warning("AUDIT_CHECKPOINT_KEY is not set: the export is verifiable only with the audit key");
        using var logging = new JsonLineLogging(System.Console.Error, LogLevel.Error, "audit", "cli");
        var target = new FolderTarget(folder);
        var metrics = new AuditMetrics(new MetricsRegistry());
        var export = new HourlyExport(
            ledger, target, new ManifestProgress(target, ledger), new ExportSettings { Folder = folder }, LedgerKeys.Find(context), signer, metrics, clock,
            logging.CreateLogger("audit"));
        var line = new ProgressLine(context, "hours");
        long hours = 0;
        try
        {
            while (await export.RunOneAsync(context.Stop)) line.Report((++hours, hours + export.Backlog));
        }
        catch (ExportTargetException fault)
        {
            throw new CommandFailure(fault.Message);
        }
        finally
        {
            line.End();
        }

        if (context.Json) context.Terminal.Line($$"""{"hours":{{hours}},"events":{{metrics.ExportedEvents.Value}}}""");
        else context.Terminal.Success($"{hours} hours with {metrics.ExportedEvents.Value} events exported to {folder}");
        return 0;
    }
}
