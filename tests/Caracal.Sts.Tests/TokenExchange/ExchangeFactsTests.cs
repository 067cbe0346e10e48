using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.TokenExchange;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Sts.Tests.TokenExchange;

/// <summary>What an exchange is decided on is never older than the last change that was answered.</summary>
public sealed class ExchangeFactsTests
{
    private static readonly ExchangeLookup Lookup = new("zone-1", null, "s2", "e1");

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_change_that_was_answered_is_seen_by_the_next_read(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var facts = new ExchangeFactsStore(sts.Database, new ExchangeFactsMemory(sts.Database));
        Assert.Equal("active", (await facts.ReadAsync(Lookup, CancellationToken.None)).Session!.Status);
        Assert.Equal("active", (await facts.ReadAsync(Lookup, CancellationToken.None)).Session!.Status);
        await sts.SqlAsync("UPDATE sessions SET status = 'suspended' WHERE id = 's2'");
        Assert.Equal("suspended", (await facts.ReadAsync(Lookup, CancellationToken.None)).Session!.Status);
        await sts.SqlAsync("UPDATE delegation_edges SET status = 'revoked', revoked_at = @now WHERE id = 'e1'", new { now = DateTimeOffset.UtcNow });
        Assert.Equal("revoked", (await facts.ReadAsync(Lookup, CancellationToken.None)).Delegation!.Lineage[0].Status);
        await sts.SqlAsync("UPDATE zones SET name = 'renamed' WHERE id = 'zone-1'");
        var version = (await facts.ReadAsync(Lookup, CancellationToken.None)).ZoneVersion;
        Assert.Equal(await sts.ScalarAsync<long>("SELECT version FROM zone_versions WHERE zone_id = 'zone-1'"), version);
    }

    [Fact]
    public async Task On_one_process_an_unchanged_store_is_not_read_again()
    {
        await using var sts = await StsHarness.StartAsync();
        var facts = new ExchangeFactsStore(sts.Database, new ExchangeFactsMemory(sts.Database));
        var first = await facts.ReadAsync(Lookup, CancellationToken.None);
        Assert.Same(first.Session, (await facts.ReadAsync(Lookup, CancellationToken.None)).Session);
        await sts.Database.WriteAsync(WriteKind.Bookkeeping, work => Task.FromResult(0), CancellationToken.None);
        Assert.Same(first.Session, (await facts.ReadAsync(Lookup, CancellationToken.None)).Session);
        await sts.Database.WriteAsync(work => Task.FromResult(0), CancellationToken.None);
        Assert.NotSame(first.Session, (await facts.ReadAsync(Lookup, CancellationToken.None)).Session);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_record_just_written_is_known_until_it_is_revoked(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var memory = new ExchangeFactsMemory(sts.Database);
        var facts = new ExchangeFactsStore(sts.Database, memory);
        var now = DateTimeOffset.UtcNow;
        var record = new NewAuthorityRecord
        {
            Id = Ids.New(),
            ZoneId = "zone-1",
            SessionType = "application",
            SubjectId = "app-p",
            ExpiresAt = now.AddMinutes(5),
            Now = now,
        };
        Assert.Equal(RecordOutcome.Written, await new AuthorityRecordInsertion(sts.Database, memory, TimeProvider.System).InsertAsync(
            record, Lookup, 0, _ => true, CancellationToken.None));
        var lookup = Lookup with { RecordId = record.Id };
        Assert.True((await facts.ReadAsync(lookup, CancellationToken.None)).Record!.IsLive(now));
        await sts.SqlAsync("UPDATE authority_records SET status = 'revoked', revoked_at = @now WHERE id = @id", new { now, id = record.Id });
        Assert.False((await facts.ReadAsync(lookup, CancellationToken.None)).Record!.IsLive(now));
        Assert.Null((await facts.ReadAsync(lookup with { ZoneId = "zone-2" }, CancellationToken.None)).Record);
    }

    [Fact]
    public async Task The_record_of_a_spent_mandate_is_not_remembered()
    {
        await using var sts = await StsHarness.StartAsync();
        var memory = new ExchangeFactsMemory(sts.Database);
        var facts = new ExchangeFactsStore(sts.Database, memory);
        var insertion = new AuthorityRecordInsertion(sts.Database, memory, TimeProvider.System);
        await insertion.OpenAsync(CancellationToken.None);
        var now = DateTimeOffset.UtcNow.AddSeconds(1);
        var mandate = new NewAuthorityRecord
        {
            Id = Ids.New(),
            ZoneId = "zone-1",
            SessionType = "application",
            SubjectId = "app-p",
            ExpiresAt = now.AddMinutes(5),
            Now = now,
        };
        Assert.Equal(RecordOutcome.Written, await insertion.InsertAsync(mandate, Lookup, 0, _ => true, CancellationToken.None));
        var lookup = Lookup with { RecordId = mandate.Id };
        var remembered = (await facts.ReadAsync(lookup, CancellationToken.None)).Record;
        Assert.Same(remembered, (await facts.ReadAsync(lookup, CancellationToken.None)).Record);

        var spending = mandate with
        {
            Id = Ids.New(),
            ParentId = mandate.Id,
            UsedJti = Guid.CreateVersion7(now).ToString(),
            UsedJtiIssuedAt = now,
            UsedJtiExpiresAt = now.AddMinutes(5),
        };
        Assert.Equal(RecordOutcome.Written, await insertion.InsertAsync(spending, lookup, 0, _ => true, CancellationToken.None));
        Assert.NotSame(remembered, (await facts.ReadAsync(lookup, CancellationToken.None)).Record);
        Assert.Equal(remembered, (await facts.ReadAsync(lookup, CancellationToken.None)).Record);
    }

    // Readers race one writer; each notes what was answered before it asked.
    [Fact]
    public async Task No_reader_sees_a_state_older_than_one_that_was_answered_before_it_asked()
    {
        await using var sts = await StsHarness.StartAsync();
        var facts = new ExchangeFactsStore(sts.Database, new ExchangeFactsMemory(sts.Database));
        var answered = 0L;
        var reads = 0L;
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await Task.Yield();
                var floor = Interlocked.Read(ref answered);
                var seen = (await facts.ReadAsync(Lookup, CancellationToken.None)).Session!.TtlSeconds ?? 0;
                Assert.InRange(seen, floor, long.MaxValue);
                Interlocked.Increment(ref reads);
            }
        })).ToList();

        // Goes on until they have really raced, however late the readers get to run.
        for (var ttl = 1L; ttl <= 500 || (Interlocked.Read(ref reads) < 500 && !readers.Exists(reader => reader.IsCompleted)); ttl++)
        {
            await Task.Yield();
            await sts.Database.WriteAsync(work => work.Connection.ExecuteAsync("UPDATE sessions SET ttl_seconds = @ttl WHERE id = 's2'", new { ttl }));
            Interlocked.Exchange(ref answered, ttl);
        }

        await stop.CancelAsync();
        await Task.WhenAll(readers);
    }
}
