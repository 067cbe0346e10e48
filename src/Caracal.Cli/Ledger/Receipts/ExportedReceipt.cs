using Caracal.Audit.Export;
using Caracal.Cli.CommandLine;
using Caracal.Evidence.Ledger;
using Caracal.Evidence.Receipts;

namespace Caracal.Cli.Ledger.Receipts;

/// <summary>Proves a receipt from an export: the whole of it has to hold, since a row is in a signed tree only together with the others.</summary>
internal static class ExportedReceipt
{
    public static async Task<ReceiptOutcome> ProveAsync(CommandContext context, string folder, Receipt receipt, CheckpointTrust trust)
    {
        var target = ExportFolder.Open(folder);
        LedgerRow? found = null;
        var line = new ProgressLine(context, "events");
        var verification = new ExportVerification(
            target, new ExportTrust { Key = trust.Key, Kept = trust.Kept },
            row => found ??= row.Entry.Id == receipt.EventId && row.Entry.ZoneId == receipt.ZoneId ? row : null);
        var report = await verification.RunAsync(new Rows(line), context.Stop);
        line.End();
        if (report.Findings is [var finding, ..]) return new ReceiptOutcome(finding.Word, $"the export does not hold ({report.Faults} findings): {finding.Detail}");
        if (found is null) return ReceiptOutcome.Missing(receipt, await EndAsync(target, context.Stop), "the export");
        if (receipt.ContentSha256 is { } promised && promised != found.ContentSha256) return new ReceiptOutcome("content_mismatch", "the export holds another content under the event of the receipt");

        // Every row's fields give its content hash, and every row up to here is in a signed tree: the report is clean.
        var proven = report.Ends.GetValueOrDefault(receipt.ZoneId);
        return proven >= found.ChainSeq
            ? ReceiptOutcome.Proven(found.ChainSeq, proven)
            : new ReceiptOutcome("checkpoint_mismatch", "no signed checkpoint of the export covers the event");
    }

    // What was made in the last exported hour or later may have been ingested after it.
    private static async Task<DateTimeOffset> EndAsync(FolderTarget target, CancellationToken stop) =>
        (await target.ListAsync(stop)).Select(ExportNames.HourOf).OfType<DateTimeOffset>().Max();

    private sealed class Rows(ProgressLine line) : IProgress<VerificationProgress>
    {
        public void Report(VerificationProgress value) => line.Report((value.Rows, value.Total));
    }
}
