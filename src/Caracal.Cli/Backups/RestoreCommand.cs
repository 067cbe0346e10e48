using Caracal.Audit.Tampering;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Ledger;
using Caracal.Cli.Processes;
using Caracal.Keys.Secrets;
using Caracal.Stack;
using Caracal.Storage;
using Caracal.Storage.Backups;
using Caracal.Storage.Ledger;
using Caracal.Storage.Postgres;
using Caracal.Storage.Sqlite;

namespace Caracal.Cli.Backups;

/// <summary><c>caracal restore</c>: a store from a bundle, with nothing alive in it that may have been revoked since.</summary>
internal static class RestoreCommand
{
    public static Command Descriptor { get; } = new(
        "restore", CommandGroup.Operations, "bring a backup back; nothing that lived then comes back to life",
        """
        usage: caracal restore BUNDLE --confirm [--data DIR] [--replace] [--trust] [--start | --yes]
               caracal restore --secrets FILE --passphrase-file FILE

        Brings back the store of a bundle: into DATA/caracal.db, or into the database that the
        administrator's DATABASE_URL names, which must hold no store yet. Refuses without a ZONE_KEK for every
        value in it, before anything is touched. Then ends every session, delegation, authority record,
        provider connection, approval and minted admin token, retires the zones' signing keys and deactivates
        their policies: whatever was revoked or tightened since the backup cannot be told from the rest. Only
        then is the store where services find it. At last it verifies the ledgers.
        --confirm    you mean it
        --data DIR   folder of caracal.db and of the journals (default CARACAL_HOME/data)
        --replace    keeps a store that is there aside as caracal.db.before-restore-TIME
        --trust      ends nothing: only where nothing was revoked since the backup, as in a planned move
        --start      starts the stack of this CARACAL_HOME when all is well, and runs caracal doctor, whose
                     exit code it is then: 1 until every zone has an active policy again
        --yes        the same where it runs now: stops it first
        --secrets    puts back what backup --secrets-out wrote, into an empty CARACAL_SECRETS_DIR
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("confirm", "data", "replace", "trust", "start", "yes", "secrets", "passphrase-file");
        if (context.Arguments.Value("secrets") is { } secrets) return SecretsBundle.Restore(context, secrets);
        if (context.Arguments.Operands is not [var bundle] || !File.Exists(bundle)) throw new CommandFailure("say which bundle: caracal restore BUNDLE --confirm");
        if (!context.Arguments.IsOn("confirm")) throw new CommandFailure("a restore replaces what services believe; add --confirm");
        var data = context.Arguments.Value("data") ?? context.Paths.Data;
        var stops = RequireStoppable(context, data);
        if (!stops) BackedUpJournals.RequireIdle(Path.Combine(data, "journal"));
        SecretFolder.Prepare(data);
        StagingFolder.RemoveLeftovers(data, StagingFolder.Restore);
        using var staging = new StagingFolder(data, StagingFolder.Restore); // beside its target: moving a file there is one step
        try
        {
            var manifest = await BackupBundle.ReadAsync(bundle, BackupKeys.Kek(context), staging.Path, context.Stop);
            context.Terminal.Success($"backup of {manifest.TakenAt:yyyy-MM-dd HH:mm:ss}Z, {manifest.Files.Length} files as the manifest says");
            if (stops) await StopAsync(context);
            BackedUpJournals.RequireIdle(Path.Combine(data, "journal"));
            var exit = await RestoreAsync(context, manifest, staging.Path, data);
            return exit == 0 && (stops || context.Arguments.IsOn("start")) ? await StartAsync(context) : exit;
        }
        catch (StoreBackupException fault)
        {
            throw new CommandFailure(fault.Message);
        }
    }

    // Whether a stack of this home runs and may be stopped (operations.md 9).
    private static bool RequireStoppable(CommandContext context, string data)
    {
        var (running, yes) = (StackRecord.Read(context.Paths.StackRecord) is { Process.IsRunning: true }, context.Arguments.IsOn("yes"));
        if (running && !yes) throw new CommandFailure("a stack runs here; stop it first with caracal down, or add --yes: it is stopped, and started again at the end");
        if ((yes || context.Arguments.IsOn("start")) && Path.GetFullPath(data) != Path.GetFullPath(context.Paths.Data))
        {
            throw new CommandFailure("the stack of CARACAL_HOME does not look into --data; start what does yourself");
        }

        // Known now, and not when the stack is down.
        if (running && File.Exists(CaracalStack.DatabasePath(data)) && !context.Arguments.IsOn("replace")) throw new CommandFailure("a store is there; --replace keeps it aside");
        return running;
    }

    private static async Task StopAsync(CommandContext context)
    {
        if (await Dispatcher.RunAsync(["down"], context.Variables, context.Terminal) != 0) throw new CommandFailure("the stack did not stop; nothing was restored");
        context.Terminal.Info("what is not restored now stays as it is; caracal up starts it again");
    }

    private static async Task<int> StartAsync(CommandContext context)
    {
        foreach (var word in (string[])["up", "doctor"])
        {
            if (await Dispatcher.RunAsync([word], context.Variables, context.Terminal) is not 0 and var exit) return exit;
        }

        return 0;
    }

    private static async Task<int> RestoreAsync(CommandContext context, BackupManifest manifest, string staging, string data)
    {
        var (store, ended) = await RestoredStore.PlaceAsync(
            manifest, staging, CaracalStack.DatabasePath(data), context.Arguments.IsOn("replace"),
            context.Arguments.IsOn("trust") ? null : TimeProvider.System.GetUtcNow(), () => new AdministratorAccess(context.Variables).Address(), context.Terminal, context.Stop);
        await using var opened = store;
        if (ended is null) context.Terminal.Warning("nothing was ended: what was revoked since the backup is alive again");
        else Tell(context.Terminal, ended);
        var returned = await BackedUpJournals.ReturnAsync(Path.Combine(staging, "journal"), Path.Combine(data, "journal"), context.Stop);
        if (returned > 0) context.Terminal.Info($"{returned} events of the journals will be in the ledger at the next start");
        BackedUpDeadLetters.Copy(CaracalStack.DeadLetterPath(staging), CaracalStack.DeadLetterPath(data));
        var report = await new LedgerVerification(store, LedgerKeys.Find(context)).VerifyAllAsync(context.Stop);
        AuditVerify.Print(context.Terminal, report);
        var whole = await CompareHeadsAsync(context, manifest, store);
        if (BackupKeys.SecretIds(context).Any(held => manifest.Keys.TryGetValue(held.Key, out var then) && then != held.Value))
        {
            context.Terminal.Warning("a key was rotated since the backup: run caracal keys adopt before you start the services");
        }

        context.Terminal.Info("next: start the services and run caracal doctor where this command does not, mint an admin token for each operator, look at each zone's policy set and activate it; rotate secrets of applications that were changed since the backup");
        return report.IsClean && whole ? 0 : 1;
    }

    // What is in the store must be what was backed up: a chain that ends elsewhere has lost evidence on the way.
    private static async Task<bool> CompareHeadsAsync(CommandContext context, BackupManifest manifest, Database store)
    {
        var ledger = new LedgerReader(store);
        var whole = true;
        foreach (var head in manifest.Content.Heads)
        {
            var found = await ledger.HeadAsync(head.ZoneId, context.Stop);
            if (found.Seq == head.Sequence && found.ContentSha256 == head.ContentSha256) context.Terminal.Info($"the ledger of zone {head.ZoneId} ends at event {head.Sequence}, as when it was backed up; compare with your exports and checkpoints what came after");
            else
            {
                whole = false;
                context.Terminal.Error($"the ledger of zone {head.ZoneId} ends at event {found.Seq}; it was backed up at event {head.Sequence}");
            }
        }

        return whole;
    }

    private static void Tell(Terminal terminal, EndedAuthority ended)
    {
        terminal.Success(
            $"ended: {ended.Sessions} sessions, {ended.Delegations} delegations, {ended.Records} authority records, {ended.Connections} provider connections, "
            + $"{ended.Holds} approvals, {ended.AdminTokens} admin tokens, {ended.SigningKeys} signing keys");
        if (ended.Policies > 0) terminal.Warning($"no policy is active: {ended.Policies} zones had one and deny every request until an operator activates a version");
    }
}
