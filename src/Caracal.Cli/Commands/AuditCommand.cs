using System.Text;
using System.Text.Json;
using Caracal.Audit.Tampering;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Evidence.Ledger;

namespace Caracal.Cli.Commands;

/// <summary><c>caracal audit verify</c>: re-computes the whole ledger from its rows and names the first that lies.</summary>
internal static class AuditCommand
{
    public static Command Descriptor { get; } = new(
        "audit", CommandGroup.Operations, "verify the audit ledger",
        """
        usage: caracal audit verify [--data DIR] [--checkpoint-key KEY [--checkpoint FILE …]] [--json]

        Reads the ledger from PostgreSQL when DATABASE_URL is set, else from the embedded store.

        Re-computes every content hash, chain link and chain MAC of the event and admin ledgers, and looks
        for missing rows. Works beside a running stack. Exit 0 if all hold, 1 with the rows that do not,
        2 if the ledger or its key cannot be read.
        --data DIR   folder of caracal.db (default CARACAL_HOME/data)
        --checkpoint-key KEY   also compares the rows with every signed checkpoint (GET /api/audit/checkpoint-key)
        --checkpoint FILE      and with a checkpoint you kept: not even who holds every key can rewrite what it covers
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("data", "json", "checkpoint-key", "checkpoint");
        if (context.Arguments.Operands is not ["verify"]) throw new CommandFailure("usage: caracal audit verify [--data DIR] [--json]");
        var data = context.Arguments.Value("data") ?? context.Paths.Data;
        await using var ledger = ReadableLedger.Open(context.Arguments.Value("data") is null ? context.Variables : context.Variables.Without("DATABASE_URL"), data);
        var trust = CheckpointTrust.Read(context.Arguments);
        var report = await new LedgerVerification(ledger, LedgerKeys.Find(context), trust.Key, trust.Kept).VerifyAllAsync(context.Stop);
        if (context.Json) context.Terminal.Write(Json(report));
        else Print(context.Terminal, report);
        return report.IsClean ? 0 : 1;
    }

    public static void Print(Terminal terminal, ChainReport report)
    {
        foreach (var finding in report.Findings) terminal.Error(Describe(finding));
        foreach (var unknown in report.UnknownKeys)
        {
            terminal.Warning($"{unknown.Count} row(s) of {unknown.Chain} name key {unknown.KeyId}, which is not loaded: their MACs were not checked");
        }

        if (report.IsClean) terminal.Success($"{report.Checked} events verified: every content hash, link and MAC holds");
        else terminal.Error($"{report.Checked} events checked: {report.Mismatches} changed, {report.Breaks} chain breaks, {report.HmacFailures} wrong MACs, {report.CheckpointFaults} checkpoints not met");
    }

    /// <summary>One finding in one line, with the row's name.</summary>
    public static string Describe(ChainFinding finding) =>
        $"{finding.Word}: row {finding.RowId ?? "(missing)"} of chain {finding.Chain}, sequence {finding.ChainSeq}: {finding.Detail}";

    private static string Json(ChainReport report)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok", report.IsClean);
            writer.WriteNumber("checked", report.Checked);
            writer.WriteNumber("mismatches", report.Mismatches);
            writer.WriteNumber("breaks", report.Breaks);
            writer.WriteNumber("hmac_failures", report.HmacFailures);
            writer.WriteNumber("checkpoint_faults", report.CheckpointFaults);
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
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }
}
