using Caracal.Protocol;
using Caracal.Storage.Outbox;
using Caracal.Storage.Privileges;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Outbox;

public sealed class EventOutboxQueueTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_row_that_fails_waits_and_is_given_up_at_the_last_attempt(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Api);
        await store.Database.WriteAsync(work => new EventOutbox().EnqueueAsync(
            work, Topics.PolicyInvalidate, [new("zone_id", "z")], requestId: null, Now));
        var queue = new EventOutboxQueue(store.Database, "relay", new OutboxSettings { BatchSize = 4, MaximumAttempts = 3 });
        var now = Now;
        foreach (var attempt in (long[])[1, 1, 2, 3])
        {
            var message = Assert.Single(await queue.ClaimAsync(now, None));
            Assert.Equal(attempt, message.Attempts);
            var unreachable = now == Now; // An unreachable transport is nobody's failed attempt.
            Assert.Equal(attempt == 3, await queue.FailedAsync(message, "no", countAttempt: !unreachable, now, None));
            Assert.Empty(await queue.ClaimAsync(now.AddSeconds(1), None));
            now = now.AddSeconds(60);
        }

        Assert.Empty(await queue.ClaimAsync(now.AddDays(1), None));
        Assert.Equal("no", await store.Owner.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT last_error FROM event_outbox")));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task What_was_published_goes_out_once_although_its_row_could_not_be_marked_at_first(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Api);
        for (var i = 0; i < 6; i++) await EnqueueAsync(store, $"z{i}");
        var queue = new EventOutboxQueue(store.Database, "relay", new OutboxSettings { BatchSize = 4 });
        var first = Ids(await queue.ClaimAsync(Now, None));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => queue.PublishedAsync(first, Now, new CancellationToken(canceled: true)));
        Assert.Equal(0, await DispatchedAsync(store));

        var second = Ids(await queue.ClaimAsync(Now.AddSeconds(31), None));
        Assert.Equal((4, 2), (first.Count, second.Count));
        Assert.Empty(first.Intersect(second));
        Assert.Equal(4, await DispatchedAsync(store));
        await queue.PublishedAsync(second, Now, None);
        Assert.Equal(6, await DispatchedAsync(store));
        Assert.Empty(await queue.ClaimAsync(Now.AddDays(1), None));
    }

    [Fact]
    public async Task What_one_relay_of_a_server_has_claimed_another_does_not_get_until_the_claim_is_over()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Api);
        for (var i = 0; i < 4; i++) await EnqueueAsync(store, $"z{i}");
        var (one, other) = (new EventOutboxQueue(store.Database, "one", new OutboxSettings()), new EventOutboxQueue(store.Database, "other", new OutboxSettings()));
        Assert.Equal(4, (await one.ClaimAsync(Now, None)).Count);
        Assert.Empty(await other.ClaimAsync(Now.AddSeconds(1), None));
        Assert.Equal(4, (await other.ClaimAsync(Now.AddHours(1), None)).Count);
    }

    [Fact]
    public async Task A_relay_that_keeps_its_books_changes_nobodys_authority()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite, ServiceRole.Api);
        await EnqueueAsync(store, "z0");
        await EnqueueAsync(store, "z1");
        var queue = new EventOutboxQueue(store.Database, "relay", new OutboxSettings());
        var version = store.Database.AuthorityVersion;
        var messages = await queue.ClaimAsync(Now, None);
        await queue.PublishedAsync([messages[0].Id], Now, None);
        await queue.FailedAsync(messages[1], "no", countAttempt: true, Now, None);
        Assert.Equal(version, store.Database.AuthorityVersion);
    }

    private static Task EnqueueAsync(TestStore store, string zone) =>
        store.Database.WriteAsync(work => new EventOutbox().EnqueueAsync(work, Topics.PolicyInvalidate, [new("zone_id", zone)], requestId: null, Now));

    private static List<string> Ids(IReadOnlyList<OutboxMessage> messages) => [.. messages.Select(message => message.Id)];

    private static Task<long> DispatchedAsync(TestStore store) =>
        store.Owner.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM event_outbox WHERE dispatched_at IS NOT NULL"));
}
