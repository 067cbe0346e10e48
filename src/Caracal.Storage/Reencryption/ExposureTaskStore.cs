using System.Collections.Immutable;
using System.Data.Common;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Dapper;

namespace Caracal.Storage.Reencryption;

/// <summary>A value that a key-encryption key opens.</summary>
/// <param name="Kind">The table that holds it.</param>
/// <param name="ZoneId">Its zone.</param>
/// <param name="Item">Its key in that table.</param>
/// <param name="Version">Which of its values.</param>
public sealed record ExposedValue(string Kind, string ZoneId, string Item, long Version)
{
    /// <summary>What has to be done once somebody else knows it.</summary>
    public string Then => EnvelopeFamily.All.First(family => family.Table == Kind).AfterExposure;
}

/// <summary>One row of <c>key_exposure_tasks</c>: a value that somebody else could open, and whether it was changed since.</summary>
public sealed record ExposureTask
{
    public required string Id { get; init; }

    /// <summary>The id of the key-encryption key, 16 hex characters.</summary>
    public required string Kid { get; init; }

    /// <summary>The table that holds the value.</summary>
    public required string Kind { get; init; }

    public required string ZoneId { get; init; }

    /// <summary>The value's key in its table.</summary>
    public required string Item { get; init; }

    /// <summary>1 while the very value that was exposed is still in use; 0 when it is not, or the store cannot tell.</summary>
    public int Unchanged { get; init; }

    public required DateTimeOffset OpenedAt { get; init; }
    public required string OpenedBy { get; init; }
    public required string Reason { get; init; }
    public DateTimeOffset? ClosedAt { get; init; }
    public string? ClosedBy { get; init; }
    public string? CloseReason { get; init; }

    /// <summary>What has to be done.</summary>
    public string Then => EnvelopeFamily.All.First(family => family.Table == Kind).AfterExposure;
}

/// <summary>
/// The follow-up of a key-encryption key in wrong hands (operations.md 4.6.1): sealing anew does not help a value that is known;
/// each is a task until it was changed. Opened once per key and value, closed by a person.
/// </summary>
public static class ExposureTaskStore
{
    private const string Select =
        """
        SELECT id, kid, kind, zone_id, item, opened_at, opened_by, reason, closed_at, closed_by, close_reason,
            CASE kind
                WHEN 'secrets' THEN (SELECT count(*) FROM secrets s WHERE s.id = t.item AND s.state NOT IN ('retired', 'compromised'))
                WHEN 'secret_store' THEN (SELECT count(*) FROM secret_store s WHERE s.ref = t.item AND s.version = t.version)
                WHEN 'provider_connections' THEN (
                    SELECT count(*) FROM provider_connections c WHERE c.id = t.item AND c.status = 'active' AND c.refresh_token_version = t.version)
                ELSE 0 END AS unchanged
        FROM key_exposure_tasks t
        """;

    private static readonly ImmutableArray<BulkColumn> Columns =
    [
        new("id", BulkType.Text), new("kid", BulkType.Text), new("kind", BulkType.Text), new("zone_id", BulkType.Text), new("item", BulkType.Text),
        new("version", BulkType.Number), new("opened_at", BulkType.Time), new("opened_by", BulkType.Text), new("reason", BulkType.Text),
    ];

    /// <summary>Every value that <paramref name="kek"/> opens. A connection has two values and one remedy: it is named once.</summary>
    public static async Task<IReadOnlyList<ExposedValue>> ExposedAsync(DbConnection connection, Kek kek)
    {
        var values = new List<ExposedValue>();
        foreach (var family in EnvelopeFamily.All)
        {
            values.AddRange((await EnvelopeStore.SealedWithAsync(connection, family, kek)).Select(value => new ExposedValue(family.Table, value.Zone, value.Key, value.Version)));
        }

        return [.. values.DistinctBy(value => (value.Kind, value.Item))];
    }

    /// <summary>A task for every value that <paramref name="kek"/> opens and that has none yet.</summary>
    public static async Task OpenAsync(Work work, Kek kek, string actor, string reason, DateTimeOffset now)
    {
        var rows = (await ExposedAsync(work.Connection, kek))
            .Select(value => new object?[] { Ids.New(), kek.IdHex, value.Kind, value.ZoneId, value.Item, value.Version, now, actor, reason }).ToList();
        if (rows.Count > 0)
        {
            await work.Dialect.InsertManyAsync(work.Connection, new BulkInsert("INSERT INTO key_exposure_tasks", Columns, rows, "ON CONFLICT (kid, kind, item) DO NOTHING"));
        }
    }

    /// <summary>Tasks by zone, those that are open or all.</summary>
    public static async Task<IReadOnlyList<ExposureTask>> ListAsync(DbConnection connection, bool closedToo) =>
        (await connection.QueryAsync<ExposureTask>($"{Select} {(closedToo ? "" : "WHERE closed_at IS NULL")} ORDER BY zone_id, kind, item, kid")).AsList();

    public static Task<ExposureTask?> FindAsync(DbConnection connection, string id) =>
        connection.QuerySingleOrDefaultAsync<ExposureTask?>($"{Select} WHERE id = @id", new { id });

    public static Task CloseAsync(Work work, string id, string actor, string reason, DateTimeOffset now) => work.Connection.ExecuteAsync(
        "UPDATE key_exposure_tasks SET closed_at = @now, closed_by = @actor, close_reason = @reason WHERE id = @id AND closed_at IS NULL",
        new { id, actor, reason, now });
}
