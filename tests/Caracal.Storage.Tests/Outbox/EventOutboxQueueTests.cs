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
}
