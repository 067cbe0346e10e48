using System.Text;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Evidence.Receipts;
using Caracal.Protocol;

namespace Caracal.Cli.Ledger.Receipts;

/// <summary><c>caracal audit verify --receipt</c>: whether the event an answer named is in a ledger that was signed.</summary>
internal static class AuditReceipt
{
    public static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("receipt", "export", "checkpoint-key", "checkpoint", "witness-key", "json");
        var receipt = Read(context.Arguments.Value("receipt")!);
        var trust = CheckpointTrust.Read(context.Arguments);
        if (trust.Key is null) throw new CommandFailure("--receipt needs --checkpoint-key: without it nothing is proven");
        var ring = LedgerKeys.Load(context);
        var vouched = ring is null ? null : receipt.IsVouchedFor(ring);
        var outcome = (ring, vouched) switch
        {
            (_, false) => new ReceiptOutcome("receipt_forged", "no audit key made this receipt: it was altered, or nobody here gave it"),

            // Any key id is invented in no time: one that is not known is no better than a wrong MAC where there are keys to check with.
            (not null, null) => new ReceiptOutcome("receipt_unvouched", $"the loaded audit keys, archive included, are not the receipt's ({receipt.KeyId}): load the one it names, or nobody here gave it"),
            _ => await ProveAsync(context, receipt, trust),
        };
        Print(context, receipt, vouched, outcome);
        return outcome.ExitCode;
    }

    private static async Task<ReceiptOutcome> ProveAsync(CommandContext context, Receipt receipt, CheckpointTrust trust)
    {
        if (context.Arguments.Value("export") is { } folder) return await ExportedReceipt.ProveAsync(context, folder, receipt, trust);
        using var live = new LiveReceipt(context);
        return await live.ProveAsync(receipt, trust);
    }

    // A value, a file of it, or a file of headers as curl writes them.
    private static Receipt Read(string argument)
    {
        const string Name = CaracalHeaders.Receipt + ":";
        var text = File.Exists(argument) ? File.ReadAllText(argument) : argument;
        if (text.Split('\n').LastOrDefault(line => line.StartsWith(Name, StringComparison.OrdinalIgnoreCase)) is { } header) text = header[Name.Length..];
        return Receipt.Parse(text) ?? throw new CommandFailure($"--receipt is neither the value of {CaracalHeaders.Receipt} nor a file of it", exitCode: 2);
    }

    private static void Print(CommandContext context, Receipt receipt, bool? vouched, ReceiptOutcome outcome)
    {
        var terminal = context.Terminal;
        if (context.Json)
        {
            terminal.Write(Json(receipt, vouched, outcome));
            return;
        }

        var name = $"event {receipt.EventId} of zone {receipt.ZoneId}";
        if (outcome.ExitCode == 0) terminal.Success($"{name}: {outcome.Detail}");
        else terminal.Error($"{outcome.Word}: {name}: {outcome.Detail}");
        if (vouched is null) terminal.Warning("who gave the receipt was not checked: its audit key is not loaded here");
    }

    private static string Json(Receipt receipt, bool? vouched, ReceiptOutcome outcome)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok", outcome.ExitCode == 0);
            writer.WriteString("result", outcome.Word);
            writer.WriteString("zone_id", receipt.ZoneId);
            writer.WriteString("event_id", receipt.EventId);
            writer.WriteNumber("chain_seq", outcome.ChainSeq);
            writer.WriteNumber("tree_size", outcome.TreeSize);
            writer.WriteString("receipt_mac", vouched switch { true => "valid", false => "invalid", null => "unchecked" });
            writer.WriteString("detail", outcome.Detail);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }
}
