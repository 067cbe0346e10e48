using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>How far an export has come.</summary>
/// <param name="LastHour">The last hour that is complete at its target; null before the first.</param>
/// <param name="Zones">The last sequence number of each zone that left.</param>
public sealed record ExportProgress(DateTimeOffset? LastHour, IReadOnlyDictionary<string, long> Zones);

/// <summary>Watermark and cursors of the export: they move together, and only after an hour is complete at its target.</summary>
/// <param name="database">The store of the Audit service.</param>
public sealed class ExportStore(Database database)
{
    /// <summary>The hourly Parquet export.</summary>
    public const string Hourly = "parquet-hourly";

    public Task<ExportProgress> ReadAsync(string name, CancellationToken cancellationToken) => database.ReadSnapshotAsync(
        async connection => new ExportProgress(
            await connection.ExecuteScalarAsync<object?>("SELECT last_exported_hour FROM audit_export_watermark WHERE name = @name", new { name }) is { } hour ? Time(hour) : null,
            (await connection.QueryAsync<(string Zone, long Seq)>("SELECT zone_id, chain_seq FROM audit_feed_cursors WHERE feed = @name", new { name }))
                .ToDictionary(cursor => cursor.Zone, cursor => cursor.Seq, StringComparer.Ordinal)),
        cancellationToken);

    /// <summary>When the oldest row was ingested; null for an empty ledger.</summary>
    public Task<DateTimeOffset?> OldestAsync(CancellationToken cancellationToken) => database.ReadAsync(
        async connection => await connection.ExecuteScalarAsync<object?>("SELECT min(ingested_at) FROM audit_events") is { } oldest and not DBNull ? Time(oldest) : (DateTimeOffset?)null,
        cancellationToken);

    /// <summary>Records a complete hour; false when somebody else has moved the watermark since it was read.</summary>
    public Task<bool> AdvanceAsync(
        string name, DateTimeOffset? from, DateTimeOffset hour, IReadOnlyDictionary<string, long> zones, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(
            WriteKind.Bookkeeping,
            async work =>
            {
                var moved = from is null
                    ? await work.Connection.ExecuteAsync(
                        "INSERT INTO audit_export_watermark (name, last_exported_hour) VALUES (@name, @hour) ON CONFLICT (name) DO NOTHING", new { name, hour })
                    : await work.Connection.ExecuteAsync(
                        "UPDATE audit_export_watermark SET last_exported_hour = @hour WHERE name = @name AND last_exported_hour = @from", new { name, hour, from });
                if (moved == 0) return false;
                foreach (var (zone, seq) in zones)
                {
                    await work.Connection.ExecuteAsync(
                        """
                        INSERT INTO audit_feed_cursors (feed, zone_id, chain_seq, updated_at) VALUES (@name, @zone, @seq, @now)
                        ON CONFLICT (feed, zone_id) DO UPDATE SET chain_seq = excluded.chain_seq, updated_at = excluded.updated_at
                        """,
                        new { name, zone, seq, now });
                }

                return true;
            },
            cancellationToken);

    private static DateTimeOffset Time(object value) => value is long microseconds
        ? Instants.FromMicroseconds(microseconds)
        : new DateTimeOffset(DateTime.SpecifyKind((DateTime)value, DateTimeKind.Utc));
}
