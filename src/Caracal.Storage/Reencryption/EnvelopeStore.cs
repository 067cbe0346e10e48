using System.Data.Common;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Dapper;

namespace Caracal.Storage.Reencryption;

/// <summary>What one batch did.</summary>
/// <param name="LastKey">Where the next one goes on; null when no row was left.</param>
/// <param name="Examined">Rows looked at.</param>
/// <param name="Resealed">Rows sealed anew.</param>
/// <param name="Raced">Rows somebody else changed meanwhile, with the current key.</param>
/// <param name="Failed">Keys of rows that did not open.</param>
public sealed record SweepBatch(string? LastKey, int Examined, int Resealed, int Raced, IReadOnlyList<string> Failed);

/// <summary>Counts and re-seals envelopes. No value leaves this class; plaintext is wiped as soon as it is sealed again.</summary>
public static class EnvelopeStore
{
    /// <summary>One sweeper at a time (operations.md 4.6.1).</summary>
    public static readonly AdvisoryLock SweepLock = AdvisoryLock.Job(0x4341524130303035);

    /// <summary>Rows by the id of the key they are sealed with.</summary>
    public static async Task<IReadOnlyDictionary<string, long>> CountByKeyAsync(DbConnection connection, EnvelopeFamily family) =>
        (await connection.QueryAsync<(byte[] Kid, long Rows)>(
            $"SELECT substr({family.Column}, 5, 8), count(*) FROM {family.Table} WHERE {family.Condition} GROUP BY 1"))
        .ToDictionary(row => Convert.ToHexStringLower(row.Kid), row => row.Rows, StringComparer.Ordinal);

    /// <summary>Rows of every family that are sealed with another key than <paramref name="kek"/>.</summary>
    public static async Task<long> CountOthersAsync(DbConnection connection, Kek kek)
    {
        var others = 0L;
        foreach (var family in EnvelopeFamily.All)
        {
            others += await CountOthersAsync(connection, family, kek);
        }

        return others;
    }

    public static Task<long> CountOthersAsync(DbConnection connection, EnvelopeFamily family, Kek kek) => connection.ExecuteScalarAsync<long>(
        $"SELECT count(*) FROM {family.Table} WHERE {family.Condition} AND substr({family.Column}, 5, 8) <> @kid", new { kid = kek.Id.ToArray() });

    /// <summary>What the holder of a key can open and use, by zone.</summary>
    public static async Task<IReadOnlyList<(string Zone, string Key, long Version)>> SealedWithAsync(DbConnection connection, EnvelopeFamily family, Kek kek) =>
        [.. await connection.QueryAsync<(string Zone, string Key, long Version)>(
            $"SELECT zone_id, {family.Key}, {family.Version} FROM {family.Table} WHERE {family.ExposedCondition} AND substr({family.Column}, 5, 8) = @kid ORDER BY 1, 2",
            new { kid = kek.Id.ToArray() })];

    /// <summary>Seals the next rows after a key with the ring's current key; rows that others hold are skipped.</summary>
    public static async Task<SweepBatch> SweepAsync(Work work, EnvelopeFamily family, KekRing keks, string after, int limit)
    {
        var rows = (await work.Connection.QueryAsync<(string Key, byte[] Envelope)>(
            $"""
             SELECT {family.Key}, {family.Column} FROM {family.Table}
             WHERE {family.Condition} AND {family.Key} > @after AND substr({family.Column}, 5, 8) <> @kid
             ORDER BY {family.Key} LIMIT @limit {work.Dialect.ForUpdateSkipLocked}
             """,
            new { after, limit, kid = keks.Current.Id.ToArray() })).AsList();
        var (resealed, raced) = (0, 0);
        var failed = new List<string>();
        foreach (var (key, envelope) in rows)
        {
            if (Reseal(keks, family.LocationOf(key), envelope) is not { } fresh)
            {
                failed.Add(key);
                continue;
            }

            // Whoever wrote in between has sealed with the current key: its value stands.
            var changed = await work.Connection.ExecuteAsync(
                $"UPDATE {family.Table} SET {family.Column} = @fresh WHERE {family.Key} = @key AND {family.Column} = @envelope", new { fresh, key, envelope });
            (resealed, raced) = changed == 1 ? (resealed + 1, raced) : (resealed, raced + 1);
        }

        return new SweepBatch(rows.Count == 0 ? null : rows[^1].Key, rows.Count, resealed, raced, failed);
    }

    /// <summary>How many of the next rows open, without a change; null as last key at the end.</summary>
    public static async Task<SweepBatch> TryAsync(DbConnection connection, EnvelopeFamily family, KekRing keks, string after, int limit)
    {
        var rows = (await connection.QueryAsync<(string Key, byte[] Envelope)>(
            $"SELECT {family.Key}, {family.Column} FROM {family.Table} WHERE {family.Condition} AND {family.Key} > @after ORDER BY {family.Key} LIMIT @limit",
            new { after, limit })).AsList();
        var failed = new List<string>();
        foreach (var (key, envelope) in rows)
        {
            if (Css1Envelope.Open(keks, family.LocationOf(key), envelope, out var plaintext) != Css1Outcome.Opened) failed.Add(key);
            plaintext?.Dispose();
        }

        return new SweepBatch(rows.Count == 0 ? null : rows[^1].Key, rows.Count, 0, 0, failed);
    }

    /// <summary>The oldest and the newest value of every zone.</summary>
    public static async Task<IReadOnlyList<(string Zone, string Key, byte[] Envelope)>> SampleAsync(DbConnection connection, EnvelopeFamily family) =>
        [.. await connection.QueryAsync<(string Zone, string Key, byte[] Envelope)>(
            $"""
             SELECT zone_id, {family.Key}, {family.Column} FROM {family.Table} WHERE {family.Key} IN (
                 SELECT min({family.Key}) FROM {family.Table} WHERE {family.Condition} GROUP BY zone_id
                 UNION SELECT max({family.Key}) FROM {family.Table} WHERE {family.Condition} GROUP BY zone_id)
             """)];

    private static byte[]? Reseal(KekRing keks, string location, byte[] envelope)
    {
        if (Css1Envelope.Open(keks, location, envelope, out var plaintext) != Css1Outcome.Opened) return null;
        using (plaintext) return Css1Envelope.Seal(keks, location, plaintext!.Span);
    }
}
