using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Ledger.Receipts;
using Caracal.Storage;

namespace Caracal.Cli.Ledger;

/// <summary><c>caracal audit</c>: reads, exports and verifies the ledger.</summary>
internal static class AuditCommand
{
    private const string Forms =
        """
        usage: caracal audit tail    [--zone Z] [--count N] [--follow] [--json]
               caracal audit search  [--zone Z] [--since T] [--until T] [--decision D] [--request ID] [--type T] [--application ID]
                                     [--session ID] [--label L] [--after SEQ] [--limit N] [--json]
               caracal audit explain [--zone Z] REQUEST_ID [--json]
               caracal audit export  --to DIR [--json]
               caracal audit verify  [--export DIR] [--checkpoint-key KEY [--checkpoint FILE …] [--witness-key KEY …] [--timestamp-ca FILE]] [--json]
               caracal audit verify  --receipt VALUE|FILE --checkpoint-key KEY [--export DIR] [--checkpoint FILE … [--witness-key KEY …]] [--json]
        """;

    public static Command Descriptor { get; } = new(
        "audit", CommandGroup.Operations, "read, export and verify the audit ledger",
        Forms + """


        The ledger is read from PostgreSQL when DATABASE_URL is set, else from the embedded store; a running stack is not
        disturbed. --data DIR names another folder of caracal.db (default CARACAL_HOME/data). --zone may be left out when
        there is one zone only.

        tail     the last N events (default 20); --follow goes on as they come
        search   events by rising sequence number; times are RFC 3339
        explain  everything one request left, and why it ended as it did
        export   complete hours as Parquet with signed manifests; run again, it goes on where it ended
        verify   re-computes every content hash, chain link and chain MAC of the event and admin ledgers, and looks for
                 missing rows. Exit 0 if all hold, 1 with the rows that do not, 2 if ledger or key cannot be read
        verify --export   the same of an export, without a ledger, a service or a secret

        verify --receipt  that the event which an answer's X-Caracal-Receipt names is in a signed ledger: asks the Audit
                 service (CARACAL_AUDIT_URL, AUDIT_ADMIN_TOKEN) for a proof, or looks into an export. Exit 0 proven,
                 1 disproven, 2 cannot be read, 3 not in a checkpoint or export yet: ask again

        --checkpoint-key KEY   also compares with every signed checkpoint (GET /api/audit/checkpoint-key)
        --checkpoint FILE      and with a checkpoint you kept: not even who holds every key can rewrite what it covers
        --witness-key KEY      each of them must carry this witness's cosignature
        --timestamp-ca FILE    RFC 3161 time-stamps of checkpoints must be of these authorities (PEM), and say since when
                               the events they cover have existed
        """,
        RunAsync);

    private static Task<int> RunAsync(CommandContext context) => context.Arguments.Operands switch
    {
        ["tail"] => AuditQueries.TailAsync(context),
        ["search"] => AuditQueries.SearchAsync(context),
        ["explain", var request] => AuditExplain.RunAsync(context, request),
        ["export"] => AuditExport.RunAsync(context),
        ["verify"] when context.Arguments.Value("receipt") is not null => AuditReceipt.RunAsync(context),
        ["verify"] => context.Arguments.Value("export") is null ? AuditVerify.LedgerAsync(context) : AuditVerify.ExportAsync(context),
        _ => throw new CommandFailure(Forms),
    };

    /// <summary>The ledger that this command line means.</summary>
    public static Database Open(CommandContext context) => ReadableLedger.Open(
        context.Arguments.Value("data") is null ? context.Variables : context.Variables.Without("DATABASE_URL"),
        context.Arguments.Value("data") ?? context.Paths.Data);
}
