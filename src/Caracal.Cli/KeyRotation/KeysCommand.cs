using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Evidence.Rotations;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.KeyRotation;

/// <summary><c>caracal keys</c>: which keys are where, and their rotation (operations.md 4, cli.md 7).</summary>
internal static class KeysCommand
{
    private const string Short = "usage: caracal keys list|status|history|rotate|prepare|deploy|roll|advance|verify|retire|rollback|abort|evidence|taint|distrust|reencrypt|tasks|adopt|generate …";

    public static Command Descriptor { get; } = new(
        "keys", CommandGroup.Operations, "show and rotate key material",
        """
        usage: caracal keys list [--json]
               caracal keys status [ID] [--json]
               caracal keys history [--class CLASS] [--json]
               caracal keys rotate CLASS --reason TEXT [--actor WHO] [--reason-kind scheduled|compromise|infrastructure]
                            [--overlap S] [--rollback-window S] [--emergency] [--backup FILE] [--wait] [--timeout S] [--json]
               caracal keys prepare CLASS --reason TEXT …
               caracal keys deploy|roll|verify|retire|advance ID [--wait] [--timeout S] [--json]
               caracal keys rollback|abort ID --reason TEXT [--json]
               caracal keys evidence ID [--json]
               caracal keys taint ZONE --actor WHO --reason TEXT [--timeout S] [--json]
               caracal keys distrust KEY --after TIME --actor WHO --reason TEXT [--data DIR] [--json]
               caracal keys reencrypt [--dry-run] [--batch-size N] [--rate ROWS] [--data DIR] [--json]
               caracal keys reencrypt --compromised [--dry-run] --actor WHO --reason TEXT [--data DIR] [--json]
               caracal keys tasks [--all] [--data DIR] [--json]
               caracal keys tasks close TASK --actor WHO --reason TEXT [--data DIR]
               caracal keys adopt [CLASS] --actor WHO --reason TEXT [--data DIR]
               caracal keys generate CLASS --out FILE

        rotate prepares a new value, waits until every running instance verifies with it, makes it the one that signs,
        waits again, and verifies. No request fails meanwhile. The old value stays until retire; until then rollback
        goes back. Each step may be repeated; rotate goes on with an open rotation of the class.
        --actor      the person; required in rc and stable
        --emergency  with --reason-kind compromise: no waiting for time, another class may be rotating
        --backup     a backup not older than a day; zone-kek needs one
        --wait       also waits for the overlap and retires
        --timeout    how long a step may wait (default 300 s)
        --emit F     kubernetes, env or vault: after each step that changed the files, prints what carries them into that store
                     (--emit-to names the Secret or path). It reads the files when you run it, so it holds no value
        --logs DIR   a further folder of logs that verify searches for values
        taint takes a zone's signing key that is in wrong hands out of every STS at once, signs with a new one, revokes the
        authority it stood for, and says from the ledger which applications used it, when and for what.
        distrust marks what an audit key signed from a time on, when others may have had it: the epochs stay sealed, and audit verify
        says which rows to compare with exports. KEY is the key id of the rows or the sid; rotate the key first. It works on the store.
        reencrypt needs no running stack: ZONE_KEK_OLD, ZONE_KEK_NEW (hex, or base64) and DATABASE_URL, or the embedded
        store. --dry-run counts, tries to open every value and writes nothing; exit 1 if one does not open. A run that
        was ended goes on. --rate 0 is as fast as it goes (default 500 rows a second). --compromised, before the run, lists every
        signing key, credential, connection and sink secret that ZONE_KEK_OLD opens, and opens a task for each (with --dry-run it
        lists them only). A rotation of zone-kek with --reason-kind compromise opens the same tasks.
        tasks shows them, what must be done, and which values are still those that were exposed; such a task cannot be closed.
        adopt registers the values of the secrets folder after a restore, when no service starts with them; it works on
        the store itself (DATABASE_URL of the administrator, or the embedded store).
        postgres:SERVICE and redis:SERVICE rotate a service's way into its store (files <service>DatabaseUrl and
        <service>RedisUrl); DATABASE_URL or REDIS_URL must be the administrator's. postgres and redis rotate all of them.
        Files are those of CARACAL_SECRETS_DIR. No value is ever printed.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown(
            "json", "class", "reason", "actor", "reason-kind", "overlap", "rollback-window", "emergency", "backup", "wait", "timeout", "logs", "out",
            "dry-run", "compromised", "all", "after", "batch-size", "rate", "data", "emit", "emit-to");
        if (context.Arguments.Value("emit") is { } format and not ("kubernetes" or "env" or "vault")) throw new CommandFailure($"--emit is kubernetes, env or vault, not {format}");
        context.Terminal.Quiet = context.Json;
        if (context.Arguments.Operands is ["reencrypt"]) return await ReencryptCommand.RunAsync(context);
        if (context.Arguments.Operands is ["tasks"]) return await ExposureCommand.ListAsync(context);
        if (context.Arguments.Operands is ["tasks", "close", var task]) return await ExposureCommand.CloseAsync(context, task);
        if (context.Arguments.Operands is ["distrust", var key]) return await DistrustCommand.RunAsync(context, key);
        if (context.Arguments.Operands is ["adopt"]) return await AdoptCommand.RunAsync(context, RotatableClass.All);
        if (context.Arguments.Operands is ["adopt", var adopted]) return await AdoptCommand.RunAsync(context, [Class(adopted)]);
        using var api = new KeysApi(context);
        if (context.Arguments.Operands is ["taint", var zone]) return await new TaintCommand(context, api).RunAsync(zone);
        var run = new RotationRun(context, api);
        switch (context.Arguments.Operands)
        {
            case ["list" or "inventory"]:
                return await KeysReports.ListAsync(context, api);
            case ["status"]:
                return await KeysReports.HistoryAsync(context, api, openOnly: true);
            case ["status", var id]:
                return await KeysReports.ShowAsync(context, api, id);
            case ["history"]:
                return await KeysReports.HistoryAsync(context, api, openOnly: false);
            case ["evidence", var id]:
                return await KeysReports.EvidenceAsync(context, api, id);
            case ["generate", var name]:
                return Generate(context, Class(name));
            case ["rotate", var family and ("postgres" or "redis")]:
                foreach (var entry in RotatableClass.Credentials.Where(entry => entry.Family == family && File.Exists(Path.Combine(KeysApi.SecretsOf(context), entry.FileName))))
                {
                    context.Terminal.Info(entry.Id);
                    await RotateAsync(context, run, entry);
                }

                return 0;
            case ["rotate", var name]:
                return await RotateAsync(context, run, Class(name));
            case ["prepare", var name]:
                await run.PrepareAsync(Class(name));
                return 0;
            case [var step and ("deploy" or "roll" or "verify" or "retire" or "advance" or "rollback" or "abort"), var id]:
                await StepAsync(context, run, step, await run.FindAsync(id));
                return 0;
            default:
                throw new CommandFailure(Short);
        }
    }

    private static async Task<int> RotateAsync(CommandContext context, RotationRun run, RotatableClass rotated)
    {
        var rotation = await run.PrepareAsync(rotated);
        rotation = await run.DeployAsync(rotation);
        rotation = await run.RollAsync(rotation);
        rotation = await run.VerifyAsync(rotation);
        if (context.Arguments.IsOn("wait")) await run.RetireAsync(rotation, wait: true);
        else context.Terminal.Info($"retire possible after {rotation.GetProperty("retirable_at").GetString()}: caracal keys retire {rotation.GetProperty("id").GetString()}");
        return 0;
    }

    private static Task<JsonElement> StepAsync(CommandContext context, RotationRun run, string step, JsonElement rotation) =>
        (step, rotation.GetProperty("state").GetString()) switch
        {
            ("deploy", _) or ("advance", RotationState.Prepared) => run.DeployAsync(rotation),
            ("roll", _) or ("advance", RotationState.Deployed) => run.RollAsync(rotation),
            ("verify", _) or ("advance", RotationState.Rolled) => run.VerifyAsync(rotation),
            ("retire", _) or ("advance", RotationState.Verified) => run.RetireAsync(rotation, context.Arguments.IsOn("wait")),
            ("rollback", _) => run.RollBackAsync(rotation),
            ("abort", _) => run.AbortAsync(rotation),
            (_, var state) => throw new CommandFailure($"a rotation that is {state} has no next step"),
        };

    private static int Generate(CommandContext context, RotatableClass rotated)
    {
        if (rotated.File is not null) throw new CommandFailure($"{rotated.Id} is a way into a store; rotate makes its password");
        var path = context.Arguments.Value("out") ?? throw new CommandFailure("--out FILE is required: a value is written to a file and never printed");
        if (File.Exists(path)) throw new CommandFailure($"{path} exists already");
        using var value = SecretBytes.Random(32);
        SecretFolder.WriteOwnerOnly(path, System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(value.Span)));
        context.Terminal.Success($"a new value of {rotated.Id} is in {path}");
        return 0;
    }

    private static RotatableClass Class(string name) => RotatableClass.Find(name)
        ?? throw new CommandFailure($"there is no class '{name}'; classes are {string.Join(", ", RotatableClass.Known.Select(known => known.Id))}");
}
