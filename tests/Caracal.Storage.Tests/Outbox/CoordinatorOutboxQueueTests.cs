using Caracal.Protocol;
using Caracal.Storage.Outbox;
using Caracal.Storage.Privileges;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Outbox;

public sealed class CoordinatorOutboxQueueTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task What_one_relay_of_a_server_has_claimed_another_does_not_get_until_the_claim_is_over()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Coordinator);
        await EnqueueAsync(store.Database, 10);
        var (one, other) = (Queue(store.Database), Queue(store.Database));
        var claims = await Task.WhenAll(one.ClaimAsync(Now, None), other.ClaimAsync(Now, None), one.ClaimAsync(Now, None), other.ClaimAsync(Now, None));
        Assert.Equal(10, claims.SelectMany(claim => claim).Select(message => message.Id).Distinct().Count());
        Assert.Equal(10, claims.Sum(claim => claim.Count));
        Assert.Empty(await other.ClaimAsync(Now.AddSeconds(29), None));
        Assert.Equal(4, (await other.ClaimAsync(Now.AddSeconds(31), None)).Count);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task What_was_published_goes_out_once_although_its_row_could_not_be_marked_at_first(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Coordinator);
        await EnqueueAsync(store.Database, 6);
        var queue = Queue(store.Database);
        var first = Ids(await queue.ClaimAsync(Now, None));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => queue.PublishedAsync(first, Now, new CancellationToken(canceled: true)));
        Assert.Equal(0, await PublishedAsync(store));

        var second = Ids(await queue.ClaimAsync(Now.AddSeconds(31), None));
        Assert.Equal((4, 2), (first.Count, second.Count));
        Assert.Empty(first.Intersect(second));
        Assert.Equal(4, await PublishedAsync(store));
        await queue.PublishedAsync(second, Now, None);
        Assert.Equal(6, await PublishedAsync(store));
        Assert.Empty(await queue.ClaimAsync(Now.AddDays(1), None));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task What_a_relay_had_not_marked_when_it_died_goes_out_again_as_the_same_message(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Coordinator);
        await EnqueueAsync(store.Database, 3);
        var before = await Queue(store.Database).ClaimAsync(Now, None);
        await store.ReopenAsync();
        var after = await Queue(store.Database).ClaimAsync(Now.AddSeconds(31), None);
        Assert.Equal(before.Select(message => (message.Id, message.Topic, message.DedupeKey, message.PayloadJson)),
            after.Select(message => (message.Id, message.Topic, message.DedupeKey, message.PayloadJson)));
        Assert.Equal(["k0", "k1", "k2"], after.Select(message => message.DedupeKey).Order());
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_row_that_fails_waits_longer_each_time_and_is_given_up_at_the_last_attempt(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Coordinator);
        await EnqueueAsync(store.Database, 1);
        var queue = Queue(store.Database);
        var now = Now;
        foreach (var attempt in (long[])[1, 1, 2, 3])
        {
            var message = Assert.Single(await queue.ClaimAsync(now, None));
            Assert.Equal(attempt, message.Attempts);
            var unreachable = now == Now; // An unreachable transport is nobody's failed attempt.
            Assert.Equal(attempt == 3, await queue.FailedAsync(message, "no", countAttempt: !unreachable, now, None));
            Assert.Empty(await queue.ClaimAsync(now.AddSeconds(attempt - 0.1), None));
            now = now.AddSeconds(attempt + 1.1);
        }

        Assert.Empty(await queue.ClaimAsync(now.AddDays(1), None));
        Assert.Equal("dead", await store.Owner.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT status FROM caracal_outbox")));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_message_that_is_announced_twice_is_kept_once(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Coordinator);
        await EnqueueAsync(store.Database, 3);
        await EnqueueAsync(store.Database, 4);
        Assert.Equal(["k0", "k1", "k2", "k3"], (await Queue(store.Database).ClaimAsync(Now, None)).Select(message => message.DedupeKey).Order());
    }

    private static CoordinatorOutboxQueue Queue(Database database) => new(database, new OutboxSettings { BatchSize = 4, MaximumAttempts = 3 });

    private static List<string> Ids(IReadOnlyList<OutboxMessage> messages) => [.. messages.Select(message => message.Id)];

    private static Task EnqueueAsync(Database database, int count) => database.WriteAsync(work => new CoordinatorOutbox().EnqueueAsync(
        work, [.. Enumerable.Range(0, count).Select(i => new Announcement(Topics.AgentsLifecycle, $"k{i}", "{\"event\":\"spawn\"}"))], Now));

    private static Task<long> PublishedAsync(TestStore store) =>
        store.Owner.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM caracal_outbox WHERE status = 'published'"));
}
