using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>The months of the ledger (operations.md 7.5); the embedded engine keeps it in one table.</summary>
/// <param name="database">The store of the Audit service.</param>
public sealed class LedgerPartitions(Database database)
{
    /// <summary>This month and as many after it are always there, so that no event ever waits for its table.</summary>
    public const int MonthsAhead = 3;

    /// <summary>Rows of a time that no month is made for yet. They lie in the default partition; what is asked for is in no other, so no other is read.</summary>
    public Task<long> DefaultRowsAsync(DateTimeOffset now, CancellationToken cancellationToken) => !database.Dialect.PartitionsLedger ? Task.FromResult(0L) : database.ReadAsync(
        connection => connection.ExecuteScalarAsync<long>(
            "SELECT count(*) FROM audit_events WHERE occurred_at >= @end",
            new { end = new DateTimeOffset(now.UtcDateTime.Year, now.UtcDateTime.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(MonthsAhead + 1) }),
        cancellationToken);

    /// <summary>Creates the months that are missing; returns how many, 0 when another replica is at it.</summary>
    public Task<int> EnsureAheadAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        !database.Dialect.PartitionsLedger ? Task.FromResult(0) : database.WriteAsync(
            async work =>
            {
                var created = 0;
                if (!await work.TryLockAsync(LedgerRetention.Months))
                {
                    return created;
                }

                for (var month = 0; month <= MonthsAhead; month++)
                {
                    var day = new DateOnly(now.UtcDateTime.Year, now.UtcDateTime.Month, 1).AddMonths(month);
                    created += await work.Connection.ExecuteScalarAsync<bool>(
                        "SELECT audit_partition_ensure(CAST(@day AS date))", new { day = day.ToString("yyyy-MM-dd") }) ? 1 : 0;
                }

                return created;
            },
            cancellationToken);
}
