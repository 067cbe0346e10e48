using System.Text;
using System.Text.Json;
using Caracal.Audit.Export;
using Caracal.Audit.Tampering;
using Caracal.Audit.Witnesses;
using Caracal.Cli.CommandLine;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;
using Caracal.Protocol;

namespace Caracal.Cli.Ledger;

/// <summary><c>caracal audit verify</c>: of the ledger, or of an export.</summary>
internal static class AuditVerify
{
    public static async Task<int> LedgerAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("data", "json", "checkpoint-key", "checkpoint", "witness-key", "timestamp-ca");
        await using var ledger = AuditCommand.Open(context);
        var trust = CheckpointTrust.Read(context.Arguments);
        var stamps = trust.Authorities is null ? null : await new StampedCheckpoints(ledger, trust.Key!, trust.Authorities).ReadAsync(context.Stop);
        var line = new ProgressLine(context, "events");
        var report = await new LedgerVerification(ledger, LedgerKeys.Find(context), trust.Key, trust.Kept, line, stamps is null ? null : stamps.Agree).VerifyAllAsync(context.Stop);
        line.End();
        var stamped = stamps?.Last(report);
        if (stamps is { Findings.Count: > 0 }) report = report with { CheckpointFaults = report.CheckpointFaults + stamps.Findings.Count, Findings = [.. report.Findings, .. stamps.Findings] };
        if (context.Json)
        {
            context.Terminal.Write(Json(report, stamped));
            return report.IsClean ? 0 : 1;
        }

        Print(context.Terminal, report);
        PrintStamps(context.Terminal, stamped);
        return report.IsClean ? 0 : 1;
    }

    public static async Task<int> ExportAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("export", "json", "checkpoint-key", "checkpoint", "witness-key", "timestamp-ca");
        var export = ExportFolder.Open(context.Arguments.Value("export")!);
        var trust = CheckpointTrust.Read(context.Arguments);
        var line = new ProgressLine(context, "events");
        var progress = new Forwarding(line);
        var report = await new ExportVerification(export, new ExportTrust { Key = trust.Key, Kept = trust.Kept, TimeStampAuthorities = trust.Authorities }).RunAsync(progress, context.Stop);
        line.End();
        var stamps = trust.Authorities is null ? null : report.Stamps;
        if (context.Json)
        {
            context.Terminal.Write(Json(report, stamps));
            return report.IsClean ? 0 : 1;
        }

        Print(context.Terminal, report, trust.Key is not null);
        PrintStamps(context.Terminal, stamps);
        return report.IsClean ? 0 : 1;
    }

    public static void Print(Terminal terminal, ChainReport report)
    {
        foreach (var finding in report.Findings) terminal.Error(Describe(finding));
        foreach (var unknown in report.UnknownKeys)
        {
            terminal.Warning($"{unknown.Count} row(s) of {unknown.Chain} name key {unknown.KeyId}, which is not loaded: their MACs were not checked");
        }

        foreach (var rows in report.Untrusted)
        {
            terminal.Warning($"rows {rows.FirstSeq} to {rows.LastSeq} of {rows.Chain} are untrusted: others may have had key {rows.KeyId} since {Timestamps.Seconds(rows.UntrustedAfter)}; compare them with exports");
        }

        if (report.IsClean) terminal.Success($"{report.Checked} events verified: every content hash, link and MAC holds");
        else terminal.Error($"{report.Checked} events checked: {report.Mismatches} changed, {report.Breaks} chain breaks, {report.HmacFailures} wrong MACs, {report.CheckpointFaults} checkpoints not met");
    }

    private static void Print(Terminal terminal, ExportReport report, bool signed)
    {
        foreach (var finding in report.Findings)
        {
            var place = string.Join(", ", new[] { finding.Hour, finding.Zone, finding.ChainSeq == 0 ? null : $"sequence {finding.ChainSeq}" }.OfType<string>());
            terminal.Error($"{finding.Word}: {place}: {finding.Detail}");
        }

        if (!signed) terminal.Warning("without --checkpoint-key, links and hashes were checked, not who wrote them");
        if (report.IsClean && signed) terminal.Success($"{report.Events} events of {report.Hours} hours verified: every row is in a tree that was signed");
        else if (report.IsClean) terminal.Success($"{report.Events} events of {report.Hours} hours verified: every content hash and link holds");
        else terminal.Error($"{report.Events} events of {report.Hours} hours checked: {report.Faults} findings");
    }

    // Honest rows are never older than their stamp says: who rewrites yesterday gets no stamp of yesterday.
    private static void PrintStamps(Terminal terminal, IReadOnlyDictionary<string, StampedRow>? stamps)
    {
        if (stamps is null) return;
        foreach (var (zone, stamp) in stamps.OrderBy(stamp => stamp.Key, StringComparer.Ordinal)) terminal.Success($"zone {zone}: every event up to {stamp.Seq} existed at {Rfc3339.Milliseconds(stamp.At)}, says a trusted time-stamp");
        if (stamps.Count == 0) terminal.Warning("there is no time-stamp of rows that were compared");
    }

    private static void WriteStamps(Utf8JsonWriter writer, IReadOnlyDictionary<string, StampedRow>? stamps)
    {
        if (stamps is null) return;
        writer.WriteStartObject("time_stamped");
        foreach (var (zone, stamp) in stamps.OrderBy(stamp => stamp.Key, StringComparer.Ordinal))
        {
            writer.WriteStartObject(zone);
            writer.WriteNumber("chain_seq", stamp.Seq);
            writer.WriteString("existed_at", Rfc3339.Milliseconds(stamp.At));
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    /// <summary>One finding in one line, with the row's name.</summary>
    private static string Describe(ChainFinding finding) =>
        $"{finding.Word}: row {finding.RowId ?? "(missing)"} of chain {finding.Chain}, sequence {finding.ChainSeq}: {finding.Detail}";

    private static string Json(ChainReport report, IReadOnlyDictionary<string, StampedRow>? stamps) => Document(writer =>
    {
        writer.WriteBoolean("ok", report.IsClean);
        writer.WriteNumber("checked", report.Checked);
        writer.WriteNumber("mismatches", report.Mismatches);
        writer.WriteNumber("breaks", report.Breaks);
        writer.WriteNumber("hmac_failures", report.HmacFailures);
        writer.WriteNumber("checkpoint_faults", report.CheckpointFaults);
        WriteStamps(writer, stamps);
        writer.WriteStartArray("findings");
        foreach (var finding in report.Findings)
        {
            writer.WriteStartObject();
            writer.WriteString("fault", finding.Word);
            writer.WriteString("chain", finding.Chain);
            writer.WriteNumber("chain_seq", finding.ChainSeq);
            writer.WriteString("row_id", finding.RowId);
            writer.WriteString("detail", finding.Detail);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WritePropertyName("untrusted");
        UntrustedJson.Of(report.Untrusted).WriteTo(writer);
    });

    private static string Json(ExportReport report, IReadOnlyDictionary<string, StampedRow>? stamps) => Document(writer =>
    {
        writer.WriteBoolean("ok", report.IsClean);
        writer.WriteNumber("hours", report.Hours);
        writer.WriteNumber("events", report.Events);
        writer.WriteNumber("faults", report.Faults);
        writer.WriteStartObject("proven");
        foreach (var (zone, seq) in report.Ends.OrderBy(end => end.Key, StringComparer.Ordinal)) writer.WriteNumber(zone, seq);
        writer.WriteEndObject();
        WriteStamps(writer, stamps);
        writer.WriteStartArray("findings");
        foreach (var finding in report.Findings)
        {
            writer.WriteStartObject();
            writer.WriteString("fault", finding.Word);
            writer.WriteString("hour", finding.Hour);
            writer.WriteString("zone_id", finding.Zone);
            writer.WriteNumber("chain_seq", finding.ChainSeq);
            writer.WriteString("detail", finding.Detail);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    private static string Document(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private sealed class Forwarding(ProgressLine line) : IProgress<VerificationProgress>
    {
        public void Report(VerificationProgress value) => line.Report((value.Rows, value.Total));
    }
}
