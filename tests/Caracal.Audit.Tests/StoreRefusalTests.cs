using Caracal.Protocol;
using Caracal.TestKit;

namespace Caracal.Audit.Tests;

/// <summary>What a store that cannot store costs an event: time, unless it refused this event and nothing else (audit.md 3).</summary>
public sealed class StoreRefusalTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("53100")] // disk full
    [InlineData("25006")] // read only
    [InlineData("57P03")] // starting
    public async Task A_store_that_takes_nothing_dead_letters_nothing_however_often_it_is_asked(string sqlState)
    {
        await using var audit = await (await RefusingAsync(sqlState)).ListenAsync();
        using var limit = new CancellationTokenSource(Patience);

        await AppendAsync(audit);
        while (audit.Log.Split("audit_ingest_unhealthy").Length < 3) await Task.Delay(20, limit.Token);
        Assert.Empty(await audit.DeadLettersAsync());

        await audit.TamperAsync("DROP TRIGGER refusing ON audit_events");
        while ((await audit.RowsAsync()).Count == 0) await Task.Delay(20, limit.Token);
        Assert.Empty(await audit.DeadLettersAsync());
    }

    [Theory]
    [InlineData("57014")] // statement timeout
    [InlineData("55P03")] // lock not available
    [InlineData("40001")] // serialisation failure
    [InlineData("40P01")] // deadlock
    public async Task An_event_that_a_store_keeps_refusing_is_dead_lettered_as_transient(string sqlState)
    {
        await using var audit = await (await RefusingAsync(sqlState)).ListenAsync();
        using var limit = new CancellationTokenSource(Patience);

        await AppendAsync(audit);
        while ((await audit.DeadLettersAsync()).Length == 0) await Task.Delay(20, limit.Token);

        Assert.StartsWith("transient_exceeded_max_deliveries:", (await audit.DeadLettersAsync())[0]["reason"], StringComparison.Ordinal);
        Assert.Empty(await audit.RowsAsync());
    }

    // Reads are answered all the while.
    private static async Task<AuditHarness> RefusingAsync(string sqlState)
    {
        var audit = await AuditHarness.CreateAsync(Engine.Postgres, settings => settings with { MaximumDeliveries = 1 });
        await audit.TamperAsync($"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{sqlState}'; END $$");
        await audit.TamperAsync("CREATE TRIGGER refusing BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION refuse()");
        return audit;
    }

    private static Task AppendAsync(AuditHarness audit) =>
        audit.Streams.AppendAsync(Topics.AuditEvents, [new("data", Vectors.A), new("sig", Vectors.SignatureA)], null, default);
}
