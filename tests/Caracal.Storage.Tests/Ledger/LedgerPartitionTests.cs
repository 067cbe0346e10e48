using Caracal.Storage.Ledger;
using Caracal.Storage.Privileges;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Ledger;

/// <summary>operations.md 7.5, as the Audit service.</summary>
public sealed class LedgerPartitionTests
{
    private static readonly DateTimeOffset Far = new(2031, 11, 30, 23, 59, 59, TimeSpan.Zero);

    [Fact]
    public async Task Creates_this_month_and_three_more_once()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Audit);
        var partitions = new LedgerPartitions(store.Database);
        Assert.Equal(0, await partitions.EnsureAheadAsync(DateTimeOffset.UtcNow, default)); // the migration made them
        Assert.Equal(4, await partitions.EnsureAheadAsync(Far, default));
        Assert.Equal(0, await partitions.EnsureAheadAsync(Far, default));
        var names = await store.Owner.ReadAsync(c => c.QueryAsync<string>(
            "SELECT relname FROM pg_class WHERE relname LIKE 'audit_events_y203%' AND relkind = 'r' AND relrowsecurity AND relforcerowsecurity ORDER BY 1"));
        Assert.Equal(["audit_events_y2031m11", "audit_events_y2031m12", "audit_events_y2032m01", "audit_events_y2032m02"], names);
    }

    [Fact]
    public async Task Rows_that_came_before_their_month_move_into_it()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Audit);
        await store.Database.WriteAsync(work => work.Connection.ExecuteAsync(
            "INSERT INTO audit_events (id, zone_id, occurred_at, content_sha256, chain_seq) VALUES ('e', 'z', @Far, 'h', 1)", new { Far }));
        Assert.Equal(1, await CountAsync("audit_events_default"));
        await new LedgerPartitions(store.Database).EnsureAheadAsync(Far, default);
        Assert.Equal(0, await CountAsync("audit_events_default"));
        Assert.Equal(1, await CountAsync("audit_events_y2031m11"));

        Task<long> CountAsync(string table) => store.Owner.ReadAsync(c => c.ExecuteScalarAsync<long>($"SELECT count(*) FROM {table}"));
    }

    [Theory]
    [InlineData("zones", false)]
    [InlineData("audit_events_default", false)]
    [InlineData("audit_events", false)]
    [InlineData("audit_events_y1999m01", false)]
    [InlineData("audit_events_y2031m11; DROP TABLE zones", false)]
    [InlineData("audit_events_y2031m11", true)]
    public async Task Drops_a_month_and_nothing_else(string name, bool dropped)
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Audit);
        await new LedgerPartitions(store.Database).EnsureAheadAsync(Far, default);
        Assert.Equal(dropped, await store.Database.WriteAsync(work => work.Connection.ExecuteScalarAsync<bool>("SELECT audit_partition_drop(@name)", new { name })));
    }

    [Fact]
    public async Task The_embedded_ledger_has_no_months()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        Assert.Equal(0, await new LedgerPartitions(store.Database).EnsureAheadAsync(Far, default));
    }
}
