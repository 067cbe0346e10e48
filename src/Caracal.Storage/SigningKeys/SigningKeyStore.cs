using System.Collections.Immutable;
using System.Data.Common;
using Caracal.Protocol;
using Caracal.Storage.Outbox;
using Caracal.Storage.TokenExchange;
using Dapper;

namespace Caracal.Storage.SigningKeys;

/// <summary>Zone signing keys, table <c>secrets</c> (sts.md 6.2, operations.md 4.6.2). Holds sealed keys only.</summary>
public sealed class SigningKeyStore(Database database, EventOutbox outbox)
{
    private const string KeyName = "zone_signing_key";

    /// <summary>A zone's keys, for <see cref="ListNextAsync"/>.</summary>
    internal const string List =
        $"""
         SELECT id, envelope, version, state, activates_at FROM secrets
         WHERE zone_id = @zoneId AND entity_id = @zoneId AND name = '{KeyName}' AND state IN ('next', 'active', 'previous')
         ORDER BY version DESC
         """;

    /// <summary>A zone's keys that JWKS may list or that may come to sign, newest first.</summary>
    public Task<ImmutableArray<SigningKeyRow>> ListAsync(string zoneId, CancellationToken cancellationToken) =>
        database.ReadAsync(connection => ListAsync(connection, zoneId), cancellationToken);

    /// <summary>
    /// Makes the zone's first key, unless it has a key that signs. Under the zone's key lock, so that two replicas make
    /// one. False when the zone does not exist.
    /// </summary>
    public Task<bool> EnsureAsync(string zoneId, string keyId, byte[] envelope, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async work =>
            {
                await LockAsync(work, zoneId);
                var zones = await work.Connection.ExecuteScalarAsync<long>(
                    "SELECT count(*) FROM zones WHERE id = @zoneId AND archived_at IS NULL", new { zoneId });
                if (zones == 0)
                {
                    return false;
                }

                var keys = await ListAsync(work.Connection, zoneId);
                if (!keys.Any(key => key.State == "active"))
                {
                    await InsertAsync(work, zoneId, keyId, envelope, now);
                }

                return true;
            },
            cancellationToken);

    /// <summary>Makes the due <c>next</c> key active and the active one <c>previous</c>; announces it. False when nothing was due.</summary>
    public Task<bool> ActivateDueAsync(string zoneId, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async work =>
            {
                await LockAsync(work, zoneId);
                var next = (await ListAsync(work.Connection, zoneId))
                    .FirstOrDefault(key => key.State == "next" && key.ActivatesAt <= now);
                if (next is null)
                {
                    return false;
                }

                await DemoteAsync(work, zoneId, now);
                await work.Connection.ExecuteAsync(
                    "UPDATE secrets SET state = 'active', updated_at = @now WHERE id = @KeyId", new { now, next.KeyId });
                await AnnounceAsync(work, zoneId, next.KeyId, "activate", now);
                return true;
            },
            cancellationToken);

    /// <summary>Zones whose <c>next</c> key is due.</summary>
    public Task<ImmutableArray<string>> ListDueZonesAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        database.ReadAsync(
            async connection => (await connection.QueryAsync<string>(
                "SELECT DISTINCT zone_id FROM secrets WHERE name = @KeyName AND state = 'next' AND activates_at <= @now",
                new { KeyName, now })).ToImmutableArray(),
            cancellationToken);

    /// <summary>The keys of every zone that sign now, have signed or will sign what still verifies.</summary>
    public Task<ImmutableArray<(string ZoneId, SigningKeyRow Key)>> ListLivingAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(
            async connection => (await connection.QueryAsync<Row>(
                "SELECT id, zone_id, envelope, version, state, activates_at FROM secrets WHERE name = @KeyName AND state IN ('next', 'active', 'previous') ORDER BY zone_id, version",
                new { KeyName }))
                .Select(row => (row.ZoneId, new SigningKeyRow(row.Id, row.Envelope, row.Version, row.State, row.ActivatesAt)))
                .ToImmutableArray(),
            cancellationToken);

    /// <summary>The STS's own rotation (sts.md 6.2): the new key signs at once; the old one stays published. False when the zone does not exist.</summary>
    public Task<bool> RotateAsync(
        string zoneId, string keyId, byte[] envelope, bool retirePrevious, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async work =>
            {
                await LockAsync(work, zoneId);
                var zones = await work.Connection.ExecuteScalarAsync<long>(
                    "SELECT count(*) FROM zones WHERE id = @zoneId AND archived_at IS NULL", new { zoneId });
                if (zones == 0)
                {
                    return false;
                }

                // A key that waits for its turn would otherwise take over from this one later.
                await work.Connection.ExecuteAsync(
                    """
                    UPDATE secrets SET state = 'retired', retired_at = @now, updated_at = @now
                    WHERE entity_id = @zoneId AND name = @KeyName AND state IN ('next', @other)
                    """,
                    new { now, zoneId, KeyName, other = retirePrevious ? "previous" : "next" });
                await DemoteAsync(work, zoneId, now, retirePrevious ? "retired" : "previous");
                await InsertAsync(work, zoneId, keyId, envelope, now);
                await AnnounceAsync(work, zoneId, keyId, "rotate", now);
                return true;
            },
            cancellationToken);

    internal static async Task<ImmutableArray<SigningKeyRow>> ListAsync(DbConnection connection, string zoneId) =>
        Listed(await connection.QueryAsync<Row>(List, new { zoneId }));

    internal static async Task<ImmutableArray<SigningKeyRow>> ListNextAsync(QueriesTogether answers) => Listed(await answers.NextAsync<Row>());

    private static ImmutableArray<SigningKeyRow> Listed(IEnumerable<Row> rows) =>
        [.. rows.Select(row => new SigningKeyRow(row.Id, row.Envelope, row.Version, row.State, row.ActivatesAt))];

    private static Task LockAsync(Work work, string zoneId) => work.LockAsync($"{KeyName}:{zoneId}");

    private static Task DemoteAsync(Work work, string zoneId, DateTimeOffset now, string state = "previous") =>
        work.Connection.ExecuteAsync(
            """
            UPDATE secrets SET state = @state, updated_at = @now, retired_at = CASE WHEN @state = 'retired' THEN @now END
            WHERE entity_id = @zoneId AND name = @KeyName AND state = 'active'
            """,
            new { now, zoneId, KeyName, state });

    private static async Task InsertAsync(Work work, string zoneId, string keyId, byte[] envelope, DateTimeOffset now)
    {
        await work.Connection.ExecuteAsync(
            """
            INSERT INTO secrets (id, zone_id, entity_id, name, type, envelope, version, state, activates_at, created_at, updated_at)
            SELECT @keyId, @zoneId, @zoneId, @KeyName, 'token', @envelope, coalesce(max(version), 0) + 1, 'active', @now, @now, @now
            FROM secrets WHERE entity_id = @zoneId AND name = @KeyName
            """,
            new { keyId, zoneId, KeyName, envelope, now });
    }

    private Task AnnounceAsync(Work work, string zoneId, string keyId, string change, DateTimeOffset now) =>
        outbox.EnqueueAsync(
            work, Topics.KeysInvalidate, [new("zone_id", zoneId), new("kid", keyId), new("event", change)], requestId: null, now);

    private sealed class Row
    {
        public string Id { get; set; } = "";
        public string ZoneId { get; set; } = "";
        public byte[] Envelope { get; set; } = [];
        public long Version { get; set; }
        public string State { get; set; } = "";
        public DateTimeOffset? ActivatesAt { get; set; }
    }
}
