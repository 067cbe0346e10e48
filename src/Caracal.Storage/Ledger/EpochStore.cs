using System.Data.Common;
using Caracal.Evidence.Ledger;
using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>A rotation of the audit key whose chains are to be sealed.</summary>
/// <param name="Id">The rotation.</param>
/// <param name="FromSid">Secret id of the key that signs no more.</param>
/// <param name="ToSid">Secret id of the key that signs now.</param>
public sealed record AuditKeyRotation(string Id, string FromSid, string ToSid);

/// <summary>Sealed epochs of the audit key: added, never changed (operations.md 3.6, 4.6.3).</summary>
/// <param name="database">The store of the Audit service.</param>
public sealed class EpochStore(Database database)
{
    /// <summary>The rotation that every writer has followed and whose chains are not all sealed; null when there is none.</summary>
    public Task<AuditKeyRotation?> FindUnsealedAsync(CancellationToken cancellationToken) => database.ReadSettledAsync(
        connection => connection.QueryFirstOrDefaultAsync<AuditKeyRotation>(
            """
            SELECT id, from_sid, to_sid FROM key_rotations
            WHERE class = 'audit-hmac' AND state IN ('rolled', 'verified') AND from_sid IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM audit_rotation_seals WHERE rotation_id = key_rotations.id)
            """),
        cancellationToken);

    /// <summary>Every sealed epoch with the MACs of every key that vouches for it, by chain and place.</summary>
    public Task<IReadOnlyList<SealedEpoch>> ListAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<SealedEpoch>>(
        async connection =>
        {
            var macs = (await connection.QueryAsync<StoredMac>("SELECT epoch_id, mac_key_id, mac FROM audit_epoch_macs")).ToLookup(mac => mac.EpochId, StringComparer.Ordinal);
            var epochs = await connection.QueryAsync<StoredEpoch>(
                """
                SELECT e.id, e.chain, e.first_seq, e.last_seq, e.key_id, e.digest, e.rotation_id, e.problems, e.row_count,
                    EXISTS (SELECT 1 FROM key_rotations WHERE key_rotations.id = e.rotation_id AND state = 'rolled_back') AS reopened,
                    s.last_seq AS removed_to, s.row_count AS removed_count, s.digest AS removed_digest
                FROM audit_epochs e LEFT JOIN audit_epoch_starts s ON s.epoch_id = e.id ORDER BY e.chain, e.last_seq
                """);
            return [.. epochs.Select(epoch => epoch.ToEpoch([.. macs[epoch.Id].Select(mac => new EpochMac(mac.MacKeyId, mac.Mac))]))];
        },
        cancellationToken);

    /// <summary>Secret ids of audit keys that prove nothing any more.</summary>
    public Task<IReadOnlySet<string>> CompromisedAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlySet<string>>(
        async connection => (await connection.QueryAsync<string>("SELECT sid FROM key_registry WHERE class = 'audit-hmac' AND state = 'compromised'")).ToHashSet(StringComparer.Ordinal),
        cancellationToken);

    /// <summary>Holds a chain of either ledger until the work ends.</summary>
    public static Task HoldAsync(Work work, string? zoneId, bool isAdmin) =>
        work.LockAsync(isAdmin ? AdvisoryLock.AdminAuditChain(zoneId) : AdvisoryLock.AuditChain(zoneId!));

    /// <summary>Whether a key signed rows of a chain after a place. Asked on the work's own connection: nothing may wait for another while the embedded writer is held.</summary>
    public static async Task<bool> HasLaterAsync(Work work, string zoneId, bool isAdmin, long after, string keyId) =>
        await work.Connection.ExecuteScalarAsync<long>(
            isAdmin
                ? "SELECT count(*) FROM admin_audit_events WHERE coalesce(zone_id, '') = @zoneId AND chain_seq > @after AND hmac_key_id = @keyId"
                : "SELECT count(*) FROM audit_events WHERE zone_id = @zoneId AND chain_seq > @after AND hmac_key_id = @keyId",
            new { zoneId, after, keyId }) > 0;

    /// <summary>Adds a seal; false when the chain is sealed for this rotation already.</summary>
    public static async Task<bool> AddAsync(Work work, SealedEpoch epoch, DateTimeOffset now) => await work.Connection.ExecuteAsync(
        """
        INSERT INTO audit_epochs (id, chain, first_seq, last_seq, key_id, digest, sealed_at, rotation_id, problems, row_count)
        VALUES (@Id, @Chain, @FirstSeq, @LastSeq, @KeyId, @Digest, @now, @RotationId, @Problems, @RowCount) ON CONFLICT DO NOTHING
        """,
        new { epoch.Id, epoch.Chain, epoch.FirstSeq, epoch.LastSeq, epoch.KeyId, epoch.Digest, now, epoch.RotationId, epoch.Problems, epoch.RowCount }) == 1;

    /// <summary>A key vouches for a seal.</summary>
    public static Task VouchAsync(Work work, string epochId, EpochMac mac, DateTimeOffset now) => work.Connection.ExecuteAsync(
        "INSERT INTO audit_epoch_macs (epoch_id, mac_key_id, mac, at) VALUES (@epochId, @MacKeyId, @Mac, @now) ON CONFLICT DO NOTHING",
        new { epochId, mac.MacKeyId, mac.Mac, now });

    /// <summary>Every chain is sealed.</summary>
    public static Task CompleteAsync(Work work, string rotationId, string keyId, long chains, long problems, DateTimeOffset now) => work.Connection.ExecuteAsync(
        """
        INSERT INTO audit_rotation_seals (rotation_id, key_id, chains, problems, sealed_at) VALUES (@rotationId, @keyId, @chains, @problems, @now)
        ON CONFLICT DO NOTHING
        """,
        new { rotationId, keyId, chains, problems, now });

    /// <summary>What is marked as untrusted, by chain and place; of several marks of one epoch the widest counts.</summary>
    public Task<IReadOnlyList<UntrustedRows>> UntrustedAsync(CancellationToken cancellationToken) => database.ReadAsync(ListUntrustedAsync, cancellationToken);

    internal static async Task<IReadOnlyList<UntrustedRows>> ListUntrustedAsync(DbConnection connection) =>
    [
        .. (await connection.QueryAsync<StoredMark>(
            """
            SELECT e.id, e.chain, e.key_id, m.first_seq, e.last_seq, m.untrusted_after FROM audit_epoch_marks m JOIN audit_epochs e ON e.id = m.epoch_id
            ORDER BY e.chain, e.last_seq, m.first_seq, m.untrusted_after
            """))
            .DistinctBy(mark => mark.Id).Select(mark => new UntrustedRows(mark.Chain, mark.KeyId, mark.FirstSeq, mark.LastSeq, mark.UntrustedAfter)),
    ];

    private sealed record StoredMark
    {
        public string Id { get; init; } = "";
        public string Chain { get; init; } = "";
        public string KeyId { get; init; } = "";
        public long FirstSeq { get; init; }
        public long LastSeq { get; init; }
        public DateTimeOffset UntrustedAfter { get; init; }
    }

    private sealed record StoredMac
    {
        public string EpochId { get; init; } = "";
        public string MacKeyId { get; init; } = "";
        public string Mac { get; init; } = "";
    }

    private sealed record StoredEpoch
    {
        public string Id { get; init; } = "";
        public string Chain { get; init; } = "";
        public long FirstSeq { get; init; }
        public long LastSeq { get; init; }
        public string KeyId { get; init; } = "";
        public string Digest { get; init; } = "";
        public string RotationId { get; init; } = "";
        public long Problems { get; init; }
        public bool Reopened { get; init; }
        public long? RowCount { get; init; }
        public long? RemovedTo { get; init; }
        public long RemovedCount { get; init; }
        public string RemovedDigest { get; init; } = "";

        public SealedEpoch ToEpoch(IReadOnlyList<EpochMac> macs) => new()
        {
            Id = Id,
            Chain = Chain,
            FirstSeq = FirstSeq,
            LastSeq = LastSeq,
            KeyId = KeyId,
            Digest = Digest,
            RotationId = RotationId,
            Problems = Problems,
            Reopened = Reopened,
            RowCount = RowCount,
            Removed = RemovedTo is { } lastSeq ? new RemovedStart(lastSeq, RemovedCount, RemovedDigest) : null,
            Macs = macs,
        };
    }
}
