using System.Text;
using System.Text.Json;
using Caracal.Audit.Tampering;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Processes;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Secrets;
using Caracal.Stack;
using Caracal.Storage.Sqlite;

namespace Caracal.Cli.Commands;

/// <summary><c>caracal audit verify</c>: re-computes the whole ledger from its rows and names the first that lies.</summary>
internal static class AuditCommand
{
    public static Command Descriptor { get; } = new(
        "audit", CommandGroup.Operations, "verify the audit ledger",
        """
        usage: caracal audit verify [--data DIR] [--json]

        Re-computes every content hash, chain link and chain MAC of the event and admin ledgers, and looks
        for missing rows. Works beside a running stack. Exit 0 if all hold, 1 with the rows that do not,
        2 if the ledger or its key cannot be read.
        --data DIR   folder of caracal.db (default CARACAL_HOME/data)
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("data", "json");
        if (context.Arguments.Operands is not ["verify"]) throw new CommandFailure("usage: caracal audit verify [--data DIR] [--json]");
        var data = context.Arguments.Value("data") ?? context.Paths.Data;
        var report = await VerifyAsync(data, LedgerKeys.Find(context), context.Stop);
        if (context.Json) context.Terminal.Write(Json(report));
        else Print(context.Terminal, report);
        return report.IsClean ? 0 : 1;
    }

    /// <summary>Verifies the ledger in a data folder.</summary>
    public static async Task<ChainReport> VerifyAsync(string dataDirectory, Keys.Rings.HmacKeyRing? keys, CancellationToken stop)
    {
        var path = CaracalStack.DatabasePath(dataDirectory);
        if (!File.Exists(path)) throw new CommandFailure($"there is no ledger at {path}", exitCode: 2);
        await using var database = new SqliteDatabase(path, TimeProvider.System);
        return await new LedgerVerification(database, keys).VerifyAllAsync(stop);
    }

    public static void Print(Terminal terminal, ChainReport report)
    {
        foreach (var finding in report.Findings) terminal.Error(Describe(finding));
        foreach (var unknown in report.UnknownKeys)
        {
            terminal.Warning($"{unknown.Count} row(s) of {unknown.Chain} name key {unknown.KeyId}, which is not loaded: their MACs were not checked");
        }

        if (report.IsClean) terminal.Success($"{report.Checked} events verified: every content hash, link and MAC holds");
        else terminal.Error($"{report.Checked} events checked: {report.Mismatches} changed, {report.Breaks} chain breaks, {report.HmacFailures} wrong MACs");
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
