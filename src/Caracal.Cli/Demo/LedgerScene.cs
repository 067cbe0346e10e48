using Caracal.Audit.Tampering;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Commands;
using Caracal.Cli.Environment;
using Caracal.Cli.Ledger;
using Caracal.Cli.Processes;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Stack;
using Caracal.Storage;
using Microsoft.Data.Sqlite;

namespace Caracal.Cli.Demo;

/// <summary>The last scene: the ledger holds; then one byte of one row is changed behind its back, and it must say which.</summary>
internal sealed class LedgerScene(PrivateStack files, Terminal terminal)
{
    public async Task PlayAsync(DemoReport report, CancellationToken stop)
    {
        var keys = new SecretSource(files.Variables, "audit", published: false).HmacRing(SecretFiles.AuditHmacKey, required: true);
        await using var ledger = ReadableLedger.Open(new ProcessVariables(files.Variables), files.Data);
        await VerifyAsync(ledger, keys, report, terminal, stop);

        ChangeOneByte(report.AllowedEventId);
        Judge(report, await new LedgerVerification(ledger, keys).VerifyAllAsync(stop));
    }

    /// <summary>Notes whether the ledger holds and has at least the events of the report.</summary>
    public static async Task VerifyAsync(Database ledger, HmacKeyRing? keys, DemoReport report, Terminal terminal, CancellationToken stop)
    {
        var clean = await new LedgerVerification(ledger, keys).VerifyAllAsync(stop);
        report.Add(
            "audit verify", clean.IsClean ? "holds" : "broken", $"{clean.Checked} events", "-",
            clean.IsClean && clean.Checked >= report.EventCount);
        if (!clean.IsClean) AuditVerify.Print(terminal, clean);
    }

    private static void Judge(DemoReport report, ChainReport tampered)
    {
        var named = tampered.Findings.FirstOrDefault(finding => finding.RowId == report.AllowedEventId);
        report.Add(
            "audit verify, one byte changed", tampered.IsClean ? "holds" : "broken",
            named is null ? "the changed row was not named" : $"{named.Word} at sequence {named.ChainSeq}", named?.RowId ?? "-", named is not null);
    }

    // What an intruder with the file in hand would do; no part of Caracal can.
    private void ChangeOneByte(string eventId)
    {
        using var connection = new SqliteConnection($"Data Source={CaracalStack.DatabasePath(files.Data)};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "UPDATE audit_events SET decision = 'b' || substr(decision, 2) WHERE id = @id";
        command.Parameters.AddWithValue("@id", eventId);
        command.ExecuteNonQuery();
    }
}
