using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Keys.Secrets;
using Caracal.Stack;
using Caracal.Storage.Backups;

namespace Caracal.Cli.Backups;

/// <summary><c>caracal backup</c>: an encrypted copy of the store while it is in use (operations.md 9).</summary>
internal static class BackupCommand
{
    private const int Kept = 7;

    public static Command Descriptor { get; } = new(
        "backup", CommandGroup.Operations, "copy the store into an encrypted bundle while it is in use",
        """
        usage: caracal backup [--out DIR] [--keep N] [--data DIR] [--json]
               caracal backup --secrets-out FILE --passphrase-file FILE

        Copies the store as it stands at one moment (the embedded one, or PostgreSQL by the administrator's
        DATABASE_URL), the evidence in the journals of this machine and what the embedded store refused. The
        bundle is sealed with ZONE_KEK: without that key nobody reads it. It is read back whole before older
        ones are removed.
        --out DIR    where bundles lie (default CARACAL_HOME/backups)
        --keep N     how many stay there (default 7)
        --data DIR   folder of caracal.db and of the journals (default CARACAL_HOME/data)

        Secrets are in no bundle. --secrets-out writes those of CARACAL_SECRETS_DIR to a file of their own
        under a passphrase (PBKDF2-HMAC-SHA256, 600,000 iterations); keep it elsewhere than the bundles.
        """,
        RunAsync);

    /// <summary>Where bundles lie unless something else is said.</summary>
    public static string Folder(CaracalPaths paths) => Path.Combine(paths.Home, "backups");

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("out", "keep", "data", "json", "secrets-out", "passphrase-file");
        if (context.Arguments.Operands.Count > 0) throw new CommandFailure($"unknown argument '{context.Arguments.Operands[0]}'");
        context.Terminal.Quiet = context.Json;
        if (context.Arguments.Value("secrets-out") is { } secrets) return SecretsBundle.Write(context, secrets);
        try
        {
            return await TakeAsync(context);
        }
        catch (StoreBackupException fault)
        {
            throw new CommandFailure(fault.Message);
        }
    }

    private static async Task<int> TakeAsync(CommandContext context)
    {
        var keep = context.Arguments.Integer("keep", Kept, 1, 10_000);
        var folder = Path.GetFullPath(context.Arguments.Value("out") ?? Folder(context.Paths));
        var ring = BackupKeys.Kek(context);
        SecretFolder.Prepare(folder);
        var now = TimeProvider.System.GetUtcNow();
        var path = Path.Combine(folder, BackupBundle.NameOf(now));
        if (File.Exists(path)) throw new CommandFailure($"{path} exists; a second later it has another name");

        // Nothing is sealed yet in there, and --out may be a share or a disk that others read.
        SecretFolder.Prepare(context.Paths.Home);
        foreach (var place in (ReadOnlySpan<string>)[context.Paths.Home, folder]) StagingFolder.RemoveLeftovers(place, StagingFolder.Backup);
        using var staging = new StagingFolder(context.Paths.Home, StagingFolder.Backup);
        var content = await CopyAsync(context, staging.Path);
        var manifest = new BackupManifest(now, BuildInfo.Current.Version, content, BackupKeys.SecretIds(context), [.. BackupBundle.FilesOf(staging.Path)]);
        await BackupBundle.WriteAsync(path, ring, manifest, staging.Path, context.Stop);
        var read = await BackupBundle.ReadAsync(path, ring, into: null, context.Stop);
        foreach (var old in BackupBundle.In(folder).SkipLast(keep)) File.Delete(old);
        Report(context, path, read);
        return 0;
    }

    private static async Task<StoreContent> CopyAsync(CommandContext context, string staging)
    {
        var data = context.Arguments.Value("data") ?? context.Paths.Data;
        BackedUpJournals.Copy(Path.Combine(data, "journal"), staging);
        BackedUpDeadLetters.Copy(CaracalStack.DeadLetterPath(data), CaracalStack.DeadLetterPath(staging));
        if (context.Variables.Has("DATABASE_URL") || context.Variables.Has("DATABASE_URL_FILE") || context.Variables.Has("PGHOST"))
        {
            var tables = Directory.CreateDirectory(Path.Combine(staging, "postgres")).FullName;
            return await PostgresCopy.TakeAsync(new AdministratorAccess(context.Variables).Address(), tables, context.Stop);
        }

        var store = CaracalStack.DatabasePath(data);
        if (!File.Exists(store)) throw new CommandFailure($"there is no embedded store at {store}, and DATABASE_URL names no other");
        return await EmbeddedCopy.TakeAsync(store, Path.Combine(staging, Path.GetFileName(store)), context.Stop);
    }

    private static void Report(CommandContext context, string path, BackupManifest manifest)
    {
        var size = new FileInfo(path).Length;
        if (context.Json)
        {
            var report = manifest.Description();
            report["path"] = path;
            report["bytes"] = size;
            report["chains"] = new JsonObject(manifest.Content.Heads.Select(head => KeyValuePair.Create(head.ZoneId, (JsonNode?)head.Sequence)));
            context.Terminal.Line(report.ToJsonString());
            return;
        }

        context.Terminal.Success($"{path}  {size:N0} bytes, read back and compared");
        foreach (var (kid, rows) in manifest.Content.KekIds) context.Terminal.Info($"{rows} values are sealed with ZONE_KEK {kid}: keep that key while you keep this file");
        foreach (var head in manifest.Content.Heads) context.Terminal.Info($"ledger of zone {head.ZoneId} up to event {head.Sequence}");
    }
}
