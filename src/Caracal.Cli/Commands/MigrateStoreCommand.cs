using Caracal.Audit.Tampering;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Ledger;
using Caracal.Evidence.Journals;
using Caracal.Evidence.Ledger;
using Caracal.Stack;
using Caracal.Storage.Moving;
using Caracal.Storage.Postgres;
using Caracal.Storage.Sqlite;

namespace Caracal.Cli.Commands;

/// <summary><c>caracal migrate-store</c>: moves an embedded store into PostgreSQL and proves that the ledgers came through.</summary>
internal static class MigrateStoreCommand
{
    public static Command Descriptor { get; } = new(
        "migrate-store", CommandGroup.Operations, "move an embedded store into PostgreSQL",
        """
        usage: caracal migrate-store [--data DIR]

        Moves every row of the embedded store into the database that caracal provision (or migrate)
        prepared, then verifies every hash, link and MAC of the ledgers there. The embedded stack must be
        stopped; its store is only read. The database must be empty. A move that was interrupted goes on
        where it stopped when it is run again; no service starts on the database before it is complete.
        Keep the secrets: the same ZONE_KEK opens what was sealed, the same AUDIT_HMAC_KEY verifies.
        --data DIR   folder of caracal.db (default CARACAL_HOME/data)
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("data");
        if (context.Arguments.Operands.Count > 0) throw new CommandFailure($"unknown argument '{context.Arguments.Operands[0]}'");
        var data = context.Arguments.Value("data") ?? context.Paths.Data;
        var path = CaracalStack.DatabasePath(data);
        if (!File.Exists(path)) throw new CommandFailure($"there is no embedded store at {path}");
        var target = new AdministratorAccess(context.Variables).Address();
        using var journals = HeldJournals.Take(Path.Combine(data, "journal"));
        await using var source = new SqliteDatabase(path, TimeProvider.System);
        var move = new StoreMove(source, target);
        try
        {
            var rows = await move.RunAsync(Progress(context.Terminal), context.Stop);
            context.Terminal.Success($"{rows.Sum(row => row.Target)} rows of {rows.Count(row => row.Target > 0)} tables moved");
        }
        catch (StoreMoveException refused)
        {
            throw new CommandFailure(refused.Message);
        }

        if (!await VerifyAsync(context, source, target)) return 1;
        await move.CompleteAsync(context.Stop);
        context.Terminal.Success("the move is complete; start the services on PostgreSQL, and keep the embedded store until you trust them");
        return 0;
    }

    // The heads too: a chain whose end was lost on the way would verify as far as it goes.
    private static async Task<bool> VerifyAsync(CommandContext context, SqliteDatabase source, PostgresAddress target)
    {
        var keys = LedgerKeys.Find(context);
        await using var moved = new PostgresDatabase(target, new PostgresSettings { MaximumConnections = 2, MinimumConnections = 0 });
        var before = await new LedgerVerification(source, keys).VerifyAllAsync(context.Stop);
        var after = await new LedgerVerification(moved, keys).VerifyAllAsync(context.Stop);
        AuditVerify.Print(context.Terminal, after);
        if (after.IsClean && after.Checked == before.Checked) return true;
        if (!before.IsClean) context.Terminal.Error("the embedded ledger did not verify before the move either; caracal audit verify names the rows");
        if (after.Checked != before.Checked) context.Terminal.Error($"the embedded ledger has {before.Checked} events, the moved one {after.Checked}");
        context.Terminal.Error("the move is not complete; the database stays closed to services");
        return false;
    }

    private static Action<string, long, long> Progress(Terminal terminal)
    {
        var told = TimeProvider.System.GetTimestamp();
        return (table, moved, total) =>
        {
            if (moved < total && TimeProvider.System.GetElapsedTime(told) < TimeSpan.FromSeconds(2)) return;
            told = TimeProvider.System.GetTimestamp();
            terminal.Step($"{table}  {moved} of {total}");
        };
    }

    /// <summary>The journals of a stopped stack, held so that none can start meanwhile; each must have shipped everything.</summary>
    private sealed class HeldJournals : IDisposable
    {
        private readonly List<Journal> _journals = [];

        public static HeldJournals Take(string folder)
        {
            var held = new HeldJournals();
            try
            {
                foreach (var role in Directory.Exists(folder) ? Directory.GetDirectories(folder) : [])
                {
                    var journal = Journal.Open(role);
                    held._journals.Add(journal);
                    if (journal.Figures.PendingRecords > 0)
                    {
                        throw new CommandFailure($"the journal in {role} holds evidence that is not in the ledger yet; start the embedded stack once and stop it with caracal down");
                    }
                }

                return held;
            }
            catch (JournalUnavailableException fault)
            {
                held.Dispose();
                throw new CommandFailure($"the embedded stack seems to run ({fault.Message}); stop it with caracal down");
            }
            catch
            {
                held.Dispose();
                throw;
            }
        }

        public void Dispose() => _journals.ForEach(journal => journal.Dispose());
    }
}
