using System.Data.Common;
using Dapper;

namespace Caracal.Storage.ZoneKeys;

/// <summary>A zone signing key without its sealed material.</summary>
public sealed record ZoneKeyRow
{
    public string Id { get; init; } = "";
    public long Version { get; init; }
    public string State { get; init; } = "";
    public DateTimeOffset? ActivatesAt { get; init; }
    public DateTimeOffset? RetiredAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>JWKS lists it.</summary>
    public bool IsPublished => State is "next" or "active" or "previous";
}

/// <summary>The API's side of the zone signing keys in <c>secrets</c> (api.md 4.2).</summary>
public static class ZoneKeyStore
{
    private const string KeyName = "zone_signing_key";
    private const string OfLiveZones = "s.name = @KeyName AND z.archived_at IS NULL";
    private const string Since = "coalesce(s.activates_at, s.created_at)";

    /// <summary>One rotation of a zone at a time (storage.md 7).</summary>
    public static Task LockAsync(Work work, string zoneId) => work.LockAsync($"{KeyName}:{zoneId}");

    /// <summary>All keys of a zone, newest first.</summary>
    public static async Task<IReadOnlyList<ZoneKeyRow>> ListAsync(DbConnection connection, string zoneId) =>
        (await connection.QueryAsync<ZoneKeyRow>(
            """
            SELECT id, version, state, activates_at, retired_at, created_at, updated_at FROM secrets
            WHERE zone_id = @zoneId AND entity_id = @zoneId AND name = @KeyName ORDER BY version DESC
            """,
            new { zoneId, KeyName })).AsList();

    /// <summary>When the oldest key that signs for a zone began to; null when no zone has one.</summary>
    public static Task<DateTimeOffset?> OldestActiveAsync(DbConnection connection) => connection.ExecuteScalarAsync<DateTimeOffset?>(
        $"SELECT min({Since}) FROM secrets s JOIN zones z ON z.id = s.zone_id WHERE {OfLiveZones} AND s.state = 'active'", new { KeyName });

    /// <summary>Zones with one published key, which has signed since before <paramref name="before"/>; the oldest first.</summary>
    public static async Task<IReadOnlyList<(string ZoneId, string KeyId)>> DueAsync(DbConnection connection, DateTimeOffset before, int most) =>
        (await connection.QueryAsync<(string, string)>(
            $"""
             SELECT s.zone_id, s.id FROM secrets s JOIN zones z ON z.id = s.zone_id
             WHERE {OfLiveZones} AND s.state = 'active' AND {Since} < @before AND NOT EXISTS (
                 SELECT 1 FROM secrets o WHERE o.zone_id = s.zone_id AND o.name = @KeyName AND o.state IN ('next', 'previous'))
             ORDER BY {Since}, s.id LIMIT @most
             """,
            new { KeyName, before, most })).AsList();

    /// <summary>Keys that sign no more, whose successor has signed since before <paramref name="before"/>.</summary>
    public static async Task<IReadOnlyList<(string ZoneId, string KeyId)>> OverlapPassedAsync(DbConnection connection, DateTimeOffset before, int most) =>
        (await connection.QueryAsync<(string, string)>(
            $"""
             SELECT p.zone_id, p.id FROM secrets p JOIN secrets s ON s.zone_id = p.zone_id JOIN zones z ON z.id = s.zone_id
             WHERE {OfLiveZones} AND s.state = 'active' AND {Since} < @before AND p.name = @KeyName AND p.state = 'previous'
             ORDER BY p.id LIMIT @most
             """,
            new { KeyName, before, most })).AsList();

    /// <summary>Zones that have a published key, the newest first.</summary>
    public static async Task<IReadOnlyList<string>> ListZonesAsync(DbConnection connection, int most) =>
        (await connection.QueryAsync<string>(
            """
            SELECT z.id FROM zones z WHERE z.archived_at IS NULL AND EXISTS (
                SELECT 1 FROM secrets s WHERE s.zone_id = z.id AND s.entity_id = z.id AND s.name = @KeyName AND s.state = 'active')
            ORDER BY z.created_at DESC, z.id LIMIT @most
            """,
            new { KeyName, most })).AsList();

    /// <summary>Adds a key as the zone's newest version.</summary>
    public static Task InsertAsync(
        Work work, string zoneId, string keyId, byte[] envelope, string state, DateTimeOffset activatesAt, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO secrets (id, zone_id, entity_id, name, type, envelope, version, state, activates_at, created_at, updated_at)
            SELECT @keyId, @zoneId, @zoneId, @KeyName, 'token', @envelope, coalesce(max(version), 0) + 1, @state, @activatesAt, @now, @now
            FROM secrets WHERE entity_id = @zoneId AND name = @KeyName
            """,
            new { keyId, zoneId, KeyName, envelope, state, activatesAt, now });

    /// <summary>Moves one key to another state; an ended one gets its time.</summary>
    public static Task MoveAsync(Work work, string keyId, string state, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            "UPDATE secrets SET state = @state, retired_at = @retiredAt, updated_at = @now WHERE id = @keyId",
            new { keyId, state, now, retiredAt = state is "retired" or "compromised" ? now : (DateTimeOffset?)null });
}
