using Caracal.Audit.Epochs;
using Caracal.Audit.Ingest;
using Caracal.Keys.Rings;
using Caracal.Storage.Ledger;
using Caracal.Storage.Rotations;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests;

/// <summary>Three audit keys that follow each other, and the job that seals what each has signed.</summary>
internal static class AuditRotation
{
    public static HmacKey A { get; } = Key(0);

    public static HmacKey B { get; } = Key(32);

    public static HmacKey C { get; } = Key(64);

    public static HmacKeySet Set(HmacKey current, HmacKey previous) => new(KeyClass.AuditHmac, current, null, [previous]);

    public static HmacKeyRing Ring(HmacKey current) => new(new HmacKeySet(KeyClass.AuditHmac, current));

    public static EpochSealer Sealer(AuditHarness audit, HmacKeyRing ring) => new(
        audit.Database, ring, new LedgerWriter(audit.Database, new LedgerStore(audit.Database.Dialect), ring, audit.Clock), audit.Clock, audit.Logging.CreateLogger("audit"));

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
