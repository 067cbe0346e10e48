using Caracal.Audit.Epochs;
using Caracal.Audit.Ingest;
using Caracal.Audit.Tampering;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Storage.Ledger;
using Caracal.Storage.Rotations;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests;

/// <summary>Three audit keys that follow each other, the job that seals what each has signed, and what a ledger proves then.</summary>
internal static class AuditRotation
{
    public static HmacKey A { get; } = Key(0);

    public static HmacKey B { get; } = Key(32);

    public static HmacKey C { get; } = Key(64);

    public static HmacKeySet Set(HmacKey current, HmacKey previous) => new(KeyClass.AuditHmac, current, null, [previous]);

    public static HmacKeyRing Ring(HmacKey current) => new(new HmacKeySet(KeyClass.AuditHmac, current));

    public static EpochSealer Sealer(AuditHarness audit, HmacKeyRing ring) => new(
        audit.Database, ring, new LedgerWriter(audit.Database, new LedgerStore(audit.Database.Dialect), ring, audit.Clock), audit.Clock, audit.Logging.CreateLogger("audit"));

    /// <summary>A key has taken over from another, has signed events meanwhile, and what the other has signed is sealed. An earlier rotation is over.</summary>
    public static async Task RotateAndSealAsync(AuditHarness audit, HmacKeyRing ring, string id, HmacKey from, HmacKey to, params string[] meanwhile)
    {
        ring.Replace(Set(to, from));
        if (meanwhile.Length > 0) await audit.ShipAsync(meanwhile);
        await audit.TamperAsync("UPDATE key_rotations SET state = 'retired'");
        await RotationAsync(audit, id, from, to);
        await Sealer(audit, ring).RunAsync(default);
    }

    public static Task<ChainReport> VerifyAsync(AuditHarness audit, HmacKeyRing ring) => new LedgerVerification(audit.Database, ring).VerifyAllAsync(default);

    public static Task RotationAsync(AuditHarness audit, string id, HmacKey from, HmacKey to, string state = "rolled") => audit.Owner.WriteAsync(work => RotationStore.InsertAsync(
        work,
        new RotationRow
        {
            Id = id,
            Class = KeyClass.AuditHmac,
            State = state,
            FromSid = from.SecretId,
            ToSid = to.SecretId,
            Location = "file:x",
            VersionLabel = "v",
            ReasonKind = "scheduled",
            Reason = "a test",
            Actor = "ops",
            CreatedAt = DateTimeOffset.UnixEpoch,
            UpdatedAt = DateTimeOffset.UnixEpoch,
        }));

    private static HmacKey Key(int first) => new(KeyClass.AuditHmac, [.. Enumerable.Range(first, 32).Select(value => (byte)(value * 7))]);
}
