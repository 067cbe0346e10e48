using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Ledger;
using Caracal.Keys.Rotation;
using Caracal.Storage;
using Caracal.Storage.AdminAudit;
using Caracal.Storage.Rotations;

namespace Caracal.Cli.KeyRotation;

/// <summary><c>caracal keys adopt</c>: after a disaster, makes the registry agree with the secrets folder, in the store itself: no service starts before that (operations.md 4.4).</summary>
internal static class AdoptCommand
{
    public static async Task<int> RunAsync(CommandContext context, IReadOnlyList<RotatableClass> classes)
    {
        var who = Responsible.Read(context.Arguments);
        await using var database = ReencryptCommand.Open(context);
        var audit = LedgerKeys.Find(context)?.Current;
        foreach (var rotated in classes)
        {
            if (new SlotFiles(KeysApi.SecretsOf(context), rotated).Current is not { } sid) continue;
            var adopted = await database.WriteAsync(async work =>
            {
                var now = TimeProvider.System.GetUtcNow();
                var known = (await KeyRegistryStore.ListAsync(work.Connection)).Where(key => key.Class == rotated.Id && key.Scope.Length == 0).ToList();
                if (known.Any(key => key.Sid == sid && key.State == "active")) return false;
                if (await RotationStore.FindOpenAsync(work.Connection, rotated.Id, "") is { } open) throw new CommandFailure($"{open.Id} of {rotated.Id} is {open.State}; finish it");
                if (known.Any(key => key.Sid == sid && key.State == "compromised")) throw new CommandFailure($"{sid} is compromised and is not adopted");
                foreach (var active in known.Where(key => key.State == "active")) await KeyRegistryStore.MoveAsync(work, rotated.Id, "", active.Sid, "retired", now);
                if (known.Any(key => key.Sid == sid)) await KeyRegistryStore.MoveAsync(work, rotated.Id, "", sid, "active", now);
                else await KeyRegistryStore.AddAsync(work, rotated.Id, "", sid, "active", null, now);
                await AdminAuditLedger.AppendAsync(work, who.Entry("keys adopt", "key_rotation", "key-registry", sid, new JsonObject { ["event"] = "adopted", ["class"] = rotated.Id, ["to"] = sid }, now), audit);
                return true;
            }, context.Stop);
            if (adopted) context.Terminal.Success($"{rotated.Id}: {sid} is registered");
        }

        return 0;
    }
}
