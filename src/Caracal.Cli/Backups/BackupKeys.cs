using Caracal.Cli.CommandLine;
using Caracal.Cli.Ledger;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Backups;

/// <summary>The keys a backup is made and restored with: the environment's, else those of this home's stack.</summary>
internal static class BackupKeys
{
    /// <summary>The KEK with all its slots; without it there is neither backup nor restore.</summary>
    public static KekRing Kek(CommandContext context)
    {
        var secrets = Source(context);
        var ring = secrets.KekRing(required: true);
        return ring is null || secrets.Problems.Count > 0
            ? throw new CommandFailure($"without the key of the store there is no backup and no restore:\n  {string.Join("\n  ", secrets.Problems)}", exitCode: 2)
            : ring;
    }

    /// <summary>The secret ids of what the store needs besides, so that a restore can say which keys belong to it.</summary>
    public static IReadOnlyDictionary<string, string> SecretIds(CommandContext context)
    {
        var secrets = Source(context);
        var ids = new Dictionary<string, string>(StringComparer.Ordinal) { [KeyClass.ZoneKek] = Kek(context).Current.SecretId };
        foreach (var (variable, classId) in (ReadOnlySpan<(string, string)>)
        [
            (SecretFiles.AuditHmacKey, KeyClass.AuditHmac), (SecretFiles.StreamsHmacKey, KeyClass.StreamsHmac),
            (SecretFiles.GatewayStsHmacKey, KeyClass.GatewayStsHmac), (SecretFiles.IdempotencyHmacKey, KeyClass.IdempotencyHmac),
        ])
        {
            if (secrets.Find(variable) is { } held && SecretRules.TryDecodeHex(held.Value.Reveal(), out var bytes)) ids[classId] = SecretId.Of(classId, bytes);
        }

        return ids;
    }

    private static SecretSource Source(CommandContext context) => new(LedgerKeys.WithSecrets(context).All, role: null, published: false);
}
