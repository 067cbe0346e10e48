using System.Collections.Concurrent;
using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Storage.Outbox;
using Caracal.Storage.Sqlite;
using Caracal.Streams.Consumers;
using Caracal.Streams.Relay;
using Caracal.Streams.State;
using Caracal.Streams.Tests.Servers;
using Dapper;

namespace Caracal.Streams.Tests.Contract;

/// <summary>The outbox relay and the checked consumers over each transport.</summary>
public abstract class RelayContract : IAsyncDisposable
{
    private static readonly HmacKeyRing Keys = HmacKeyRing.Of("streams-hmac", Convert.FromHexString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caracal-test-");
    private readonly Database _database;
    private readonly DatabaseClock _clock;
    private readonly Ports _ports;
    private readonly IStreamTransport _streams;
    private readonly ISharedState _state;
    private readonly CancellationTokenSource _end = new(TimeSpan.FromSeconds(30));

    protected RelayContract(Ports ports)
    {
        _ports = ports;
        _streams = ports.Streams;
        _state = ports.State;
        _database = new SqliteDatabase(Path.Combine(_folder.FullName, "caracal.db"), TimeProvider.System);
        _clock = new DatabaseClock(_database, TimeProvider.System);
    }

    [Fact]
    [Trait("requirement", "R5")]
    [Trait("requirement", "R81")]
    public async Task A_committed_row_reaches_its_consumer_signed_and_a_rolled_back_one_never_does()
    {
        await Migrator.MigrateAsync(_database, _clock.Now);
        var received = new ConcurrentQueue<StreamEntry>();
        var consumer = Consumer((entry, _) =>
        {
            received.Enqueue(entry);
            return Task.CompletedTask;
        });
        await consumer.CreateGroupsAsync(_end.Token);
        var consuming = consumer.RunAsync(_end.Token);
        var relaying = Relay().RunAsync(_end.Token);
        await _database.WriteAsync(async work =>
        {
            await new CoordinatorOutbox().EnqueueAsync(work, [new(Topics.AgentsLifecycle, "lost", "{}")], _clock.Now);
            work.Discard();
        });
        await _database.WriteAsync(work => new CoordinatorOutbox().EnqueueAsync(
            work,
            [new(Topics.AgentsLifecycle, "spawn:s1", """{"event":"spawn","zone_id":"z1","agent_session_id":"s1","parent_id":null,"n":7,"ids":["a", "b"]}""")],
            _clock.Now));

        await Until(() => Task.FromResult(consumer.Figures.Processed == 1));
        var entry = Assert.Single(received);
        Assert.Equal("null", entry.Fields.Single(f => f.Key == "parent_id").Value);
        Assert.Null(entry.Value("parent_id"));
        Assert.Equal("7", entry.Value("n"));
        Assert.Equal("[\"a\",\"b\"]", entry.Value("ids"));
        Assert.Equal(StreamVerdict.Accepted, StreamSignature.Verify(Keys, entry.Topic, entry.Fields.ToArray(), out _));
        // The entry arrives before its row is marked: that order is what loses nothing.
        await Until(async () => await _database.ReadAsync(
            c => c.ExecuteScalarAsync<string>("SELECT status FROM caracal_outbox")) == "published");
        await _end.CancelAsync();
        await Task.WhenAll(consuming, relaying);
    }

    [Fact]
    [Trait("requirement", "R24")]
    public async Task While_two_keys_are_around_what_ends_authority_is_published_under_each_of_them()
    {
        await Migrator.MigrateAsync(_database, _clock.Now);
        var (old, fresh) = (Keys.Current, new HmacKey("streams-hmac", new byte[32].Select((_, i) => (byte)(i * 7)).ToArray()));
        var both = new HmacKeyRing(new HmacKeySet("streams-hmac", fresh, previous: [old]));
        await _database.WriteAsync(work => new CoordinatorOutbox().EnqueueAsync(
            work,
            [new(Topics.SessionsRevoke, "r1", """{"session_id":"s1"}"""), new(Topics.AgentsLifecycle, "l1", """{"event":"spawn"}""")],
            _clock.Now));

        while (await Relay(both).DispatchAsync(_end.Token) > 0)
        {
            // Until nothing is due.
        }

        var revocations = await _streams.RangeAsync(Topics.SessionsRevoke, null, 10, _end.Token);
        Assert.Single(revocations.Select(entry => entry.Value("outbox_id")).Distinct());
        foreach (var key in (HmacKey[])[old, fresh])
        {
            var one = new HmacKeyRing(new HmacKeySet("streams-hmac", key));
            Assert.Single(revocations, entry => StreamSignature.Verify(one, entry.Topic, entry.Fields.ToArray(), out _) == StreamVerdict.Accepted);
            Assert.All(revocations, entry => Assert.Equal(StreamVerdict.Accepted, StreamSignature.Verify(both, entry.Topic, entry.Fields.ToArray(), out _)));
        }

        Assert.Equal(2, revocations.Count);
        Assert.Single(await _streams.RangeAsync(Topics.AgentsLifecycle, null, 10, _end.Token));
    }

    [Fact]
    public async Task A_row_that_had_its_last_try_is_told_of_once()
    {
        await Migrator.MigrateAsync(_database, _clock.Now);
        await _database.WriteAsync(work => new CoordinatorOutbox().EnqueueAsync(work, [new(Topics.AgentsLifecycle, "spawn:s1", "[]")], _clock.Now));
        var given = new List<(string Topic, string Row)>();
        var relay = new OutboxRelay(
            _database, new CoordinatorOutboxQueue(_database, new OutboxSettings { MaximumAttempts = 1 }), _streams, Keys, _clock, 100_000)
        {
            GivenUp = (topic, row) => given.Add((topic, row)),
        };
        Assert.Equal(1, await relay.DispatchAsync(_end.Token));
        Assert.Equal(0, await relay.DispatchAsync(_end.Token));
        var row = await _database.ReadAsync(c => c.QuerySingleAsync<string>("SELECT id FROM caracal_outbox WHERE status = 'dead'"), _end.Token);
        Assert.Equal([(Topics.AgentsLifecycle, row)], given);
    }

    [Fact]
    [Trait("requirement", "R71")]
    public async Task A_forged_message_is_dead_lettered_at_once_and_not_handled()
    {
        var handled = 0;
        var consumer = Consumer((_, _) =>
        {
            handled++;
            return Task.CompletedTask;
        });
        await consumer.CreateGroupsAsync(_end.Token);
        await _streams.AppendAsync(Topics.AgentsLifecycle, [new("zone_id", "z1"), new("_sig", new string('a', 64))], null, _end.Token);
        foreach (var entry in await _streams.ReadAsync([Topics.AgentsLifecycle], "g", "c", 10, TimeSpan.Zero, _end.Token))
        {
            await consumer.ProcessAsync(entry, _end.Token);
        }

        Assert.Equal(0, handled);
        Assert.Equal(1, consumer.Figures.InvalidSignatures);
        var dead = Assert.Single(await _streams.RangeAsync(Topics.Dead(Topics.AgentsLifecycle), null, 10, _end.Token));
        Assert.Equal("invalid_signature", dead.Value("error"));
        Assert.Equal(StreamVerdict.Accepted, StreamSignature.Verify(Keys, dead.Topic, dead.Fields.ToArray(), out _));
        Assert.Empty(await _streams.ClaimAsync(Topics.AgentsLifecycle, "g", "c", TimeSpan.Zero, 10, _end.Token));
    }

    [Fact]
    public async Task A_message_that_keeps_failing_is_dead_lettered_at_the_fifth_try_and_stays_pending_before()
    {
        var consumer = Consumer((_, _) => throw new InvalidOperationException("malformed"));
        await consumer.CreateGroupsAsync(_end.Token);
        await _streams.AppendAsync(
            Topics.AgentsLifecycle, StreamSignature.Seal(Keys, Topics.AgentsLifecycle, [new("zone_id", "z1")]), null, _end.Token);
        await _streams.ReadAsync([Topics.AgentsLifecycle], "g", "c", 10, TimeSpan.Zero, _end.Token);
        for (var i = 1; i <= 5; i++)
        {
            Assert.Equal(0, await _streams.LengthAsync(Topics.Dead(Topics.AgentsLifecycle), _end.Token));
            var entry = Assert.Single(await _streams.ClaimAsync(Topics.AgentsLifecycle, "g", "c", TimeSpan.Zero, 10, _end.Token));
            await consumer.ProcessAsync(entry, _end.Token);
        }

        Assert.Equal(1, await _streams.LengthAsync(Topics.Dead(Topics.AgentsLifecycle), _end.Token));
        Assert.Empty(await _streams.ClaimAsync(Topics.AgentsLifecycle, "g", "c", TimeSpan.Zero, 10, _end.Token));
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _ports.DisposeAsync();
        await _database.DisposeAsync();
        _folder.Delete(recursive: true);
        _end.Dispose();
        GC.SuppressFinalize(this);
    }

    private StreamConsumer Consumer(Func<StreamEntry, CancellationToken, Task> handler) => new(
        _streams, _state,
        new StreamSubscription { Topics = [Topics.AgentsLifecycle], Group = "g", Consumer = "c", Shared = true, Keys = Keys },
        handler, TimeProvider.System);

    private OutboxRelay Relay(HmacKeyRing? keys = null) => new(
        _database, new CoordinatorOutboxQueue(_database, new OutboxSettings()), _streams, keys ?? Keys, _clock, 100_000);

    private async Task Until(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            await Task.Delay(5, _end.Token);
        }
    }
}

public sealed class InProcessRelayTests() : RelayContract(Ports.InProcess());

public sealed class RedisRelayTests(RedisServer server) : RelayContract(Ports.OnRedis(server));
