using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Caracal.Streams.Tests.Servers;
using Caracal.Verifier.Redis;
using Caracal.Verifier.Revocations;

namespace Caracal.Verifier.Tests;

/// <summary>The shared store and the streams, on a real server.</summary>
public sealed class RedisTests(RedisServer server) : IAsyncLifetime
{
    private static readonly byte[] Key = Convert.FromHexString("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");

    private readonly RedisClient _redis = new($"redis://:{RedisServer.Password}@127.0.0.1:{server.Port}/{server.Options().Database}");
    private RedisRevocationStore _store = null!;

    public ValueTask InitializeAsync()
    {
        _store = new RedisRevocationStore(_redis);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _redis.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_mark_is_a_key_with_a_life_that_every_library_reads()
    {
        await _store.MarkRevokedAsync("ar-1", TimeSpan.FromMinutes(1));
        Assert.Equal("1", (await _redis.SendAsync(["GET", "caracal:revoked:sessions:ar-1"])).Text);
        Assert.InRange((await _redis.SendAsync(["PTTL", "caracal:revoked:sessions:ar-1"])).Integer!.Value, 1, 60_000);
        Assert.True(await _store.IsRevokedAsync("ar-1"));
        Assert.True(await _store.IsAnyRevokedAsync(["ar-9", "ar-1"]));
        Assert.False(await _store.IsAnyRevokedAsync(["ar-9", "ar-8"]));
        Assert.False(await _store.IsAnyRevokedAsync([]));
    }

    [Fact]
    public async Task An_epoch_is_raised_and_never_lowered()
    {
        Assert.Equal(0, await _store.CurrentDelegationEpochAsync("z"));
        await Task.WhenAll(Enumerable.Range(1, 50).Select(epoch => _store.MarkDelegationEpochAsync("z", epoch).AsTask()));
        await _store.MarkDelegationEpochAsync("z", 3);
        Assert.Equal(50, await _store.CurrentDelegationEpochAsync("z"));
        Assert.Equal("50", (await _redis.SendAsync(["GET", "caracal:revoked:sessions:delegation-epoch:z"])).Text);
    }

    [Fact]
    public async Task A_server_that_is_gone_or_hangs_means_revoked_within_the_time_limit()
    {
        await using var own = await RedisServer.StartOwnAsync();
        using var client = new RedisClient($"redis://default:{RedisServer.Password}@127.0.0.1:{own.Port}");
        var store = new RedisRevocationStore(client);
        Assert.False(await store.IsRevokedAsync("a"));
        using var debug = new RedisClient($"redis://:{RedisServer.Password}@127.0.0.1:{own.Port}", TimeSpan.FromSeconds(10));
        var sleeping = debug.SendAsync(["DEBUG", "SLEEP", "3"]).AsTask();
        await Task.Delay(100);
        var started = Stopwatch.StartNew();
        Assert.True(await store.IsRevokedAsync("a"));
        Assert.True(started.Elapsed < TimeSpan.FromSeconds(2.9));
        await sleeping;
        Assert.False(await store.IsRevokedAsync("a"));

        await own.KillAsync();
        Assert.True(await store.IsRevokedAsync("a"));
        Assert.Equal(long.MaxValue, await store.CurrentDelegationEpochAsync("z"));
        await own.StartAsync();
        await UntilAsync(async () => !await store.IsRevokedAsync("a"));
    }

    [Fact]
    public async Task A_wrong_password_is_a_fault_that_repeats_no_secret()
    {
        using var client = new RedisClient($"redis://:not-the-password@127.0.0.1:{server.Port}");
        var fault = await Assert.ThrowsAsync<RedisException>(async () => await client.SendAsync(["PING"]));
        Assert.Equal("WRONGPASS", fault.Code);
        Assert.DoesNotContain("not-the-password", fault.ToString(), StringComparison.Ordinal);
        Assert.True(await new RedisRevocationStore(client).IsRevokedAsync("a"));
        Assert.Throws<ArgumentException>(() => new RedisClient("http://secret@host"));
    }

    [Fact]
    public async Task Many_callers_share_the_connection_and_each_gets_its_own_reply()
    {
        await Task.WhenAll(Enumerable.Range(0, 500).Select(async i =>
        {
            var reply = await _redis.SendAsync(["ECHO", $"text {i} é"]);
            Assert.Equal($"text {i} é", reply.Text);
        }));
    }

    [Fact]
    public async Task Signed_messages_mark_every_anchor_and_raise_the_epoch()
    {
        var consumer = Consumer(_store);
        await PublishAsync("caracal.sessions.revoke", Key, ("zone_id", "z"), ("session_id", "ar-1"), ("root_sid", "ar-2"), ("agent_session_id", "s-1"), ("delegation_edge_id", "e-1"));
        await PublishAsync("caracal.delegations.invalidate", Key, ("zone_id", "z"), ("edge_id", "e-1"), ("epoch", "8"));
        Assert.Equal(2, await consumer.PollAsync());
        foreach (var anchor in new[] { "ar-1", "ar-2", "s-1", "e-1" })
        {
            Assert.True(await _store.IsRevokedAsync(anchor));
        }

        Assert.Equal(8, await _store.CurrentDelegationEpochAsync("z"));
        Assert.Equal(0, await consumer.PollAsync());
        Assert.Equal(0, (await _redis.SendAsync(["XPENDING", "caracal.sessions.revoke", "resource-revocation"])).Items![0].Integer);
    }

    [Theory]
    [InlineData("caracal.sessions.revoke", "invalid_signature", false, "session_id", "ar-1")]
    [InlineData("caracal.sessions.revoke", "missing_revocation_anchor", true, "reason", "x")]
    [InlineData("caracal.delegations.invalidate", "invalid_delegation_epoch", true, "epoch", "-1")]
    [InlineData("caracal.delegations.invalidate", "invalid_delegation_epoch", true, "epoch", "many")]
    public async Task What_can_never_be_applied_is_put_aside_with_its_reason(string topic, string reason, bool signed, string field, string value)
    {
        var id = await PublishAsync(topic, signed ? Key : new byte[32], ("zone_id", "z"), (field, value));
        Assert.Equal(1, await Consumer(_store).PollAsync());
        var dead = (await _redis.SendAsync(["XRANGE", topic + ".dead", "-", "+"])).Items!.Single().Items![1].Items!.Select(part => part.Text).ToList();
        Assert.Equal(["source_id", id, "reason", reason, "payload"], dead.Take(5));
        Assert.Contains($"\"{field}\":\"{value}\"", dead[5], StringComparison.Ordinal);
        Assert.False(await _store.IsRevokedAsync("ar-1"));
    }

    [Fact]
    public async Task What_could_not_be_applied_stays_pending_and_is_applied_later()
    {
        var store = new StubbornStore();
        var consumer = Consumer(store, instance: "a");
        await PublishAsync("caracal.sessions.revoke", Key, ("zone_id", "z"), ("session_id", "ar-1"));
        store.Fails = true;
        Assert.Equal(0, await consumer.PollAsync());
        Assert.Equal(1, (await _redis.SendAsync(["XPENDING", "caracal.sessions.revoke", "resource-revocation:a"])).Items![0].Integer);

        // As if 30 s had passed: claimed by hand with an idle time that XAUTOCLAIM accepts.
        store.Fails = false;
        var pending = (await _redis.SendAsync(["XPENDING", "caracal.sessions.revoke", "resource-revocation:a", "-", "+", "1"])).Items!.Single().Items![0].Text!;
        await _redis.SendAsync(["XCLAIM", "caracal.sessions.revoke", "resource-revocation:a", "somebody-dead", "0", pending, "IDLE", "31000", "JUSTID"]);
        Assert.Equal(1, await consumer.PollAsync());
        Assert.Equal(["ar-1"], store.Marked);
    }

    [Fact]
    public async Task Instances_with_a_memory_of_their_own_each_see_every_message()
    {
        var first = new InMemoryRevocationStore();
        var second = new InMemoryRevocationStore();
        var consumers = new[] { Consumer(first), Consumer(second) };
        await PublishAsync("caracal.sessions.revoke", Key, ("zone_id", "z"), ("sid", "ar-1"));
        foreach (var consumer in consumers)
        {
            Assert.True(consumer.OwnsGroups);
            await consumer.PollAsync();
        }

        Assert.True(await first.IsRevokedAsync("ar-1") && await second.IsRevokedAsync("ar-1"));
        foreach (var consumer in consumers)
        {
            await consumer.RemoveGroupsAsync();
        }

        Assert.Empty((await _redis.SendAsync(["XINFO", "GROUPS", "caracal.sessions.revoke"])).Items!);
    }

    [Fact]
    public async Task An_emptied_server_is_read_again_from_the_beginning()
    {
        var store = new InMemoryRevocationStore();
        var consumer = Consumer(store);
        await consumer.PollAsync();
        await _redis.SendAsync(["FLUSHDB"]);
        await PublishAsync("caracal.sessions.revoke", Key, ("zone_id", "z"), ("sid", "ar-1"));
        await Assert.ThrowsAsync<RedisException>(() => consumer.PollAsync());
        await UntilAsync(async () =>
        {
            try
            {
                await consumer.PollAsync();
            }
            catch (RedisException)
            {
                // One stream's group was just made again; the other's is next.
            }

            return await store.IsRevokedAsync("ar-1");
        });
    }

    [Fact]
    public void Required_signatures_without_a_key_do_not_construct() =>
        Assert.Throws<ArgumentException>(() => new RevocationStreamConsumer(_redis, _store, new RevocationStreamOptions { RequireSignature = true }));

    [Fact]
    public async Task Vector_V2_is_accepted_and_one_bit_less_is_not()
    {
        const string Signature = "2e09a26dadb62774e9a08941f969902d3bc5699d30981592c8a03a8299efcd5c";
        var fields = new List<KeyValuePair<string, string>>
        {
            new("agent_session_id", "sess-1"), new("delegation_edge_id", "edge-1"), new("reason", "delegation_revoked"),
            new("session_id", "ar-1"), new("zone_id", "zone-1"), new("_sig", Signature),
        };
        var signatures = new MessageSignatures([new byte[32], Key], required: true);
        Assert.True(signatures.Accept("caracal.sessions.revoke", fields));
        Assert.False(signatures.Accept("caracal.sessions.revoked", fields));
        Assert.False(signatures.Accept("caracal.sessions.revoke", [.. fields, new("extra", "1")]));
        Assert.False(signatures.Accept("caracal.sessions.revoke", [.. fields.SkipLast(1), new("_sig", Signature.Replace('2', '3'))]));
        Assert.False(signatures.Accept("caracal.sessions.revoke", [.. fields.SkipLast(1)]));
        await Task.CompletedTask;
    }

    private RevocationStreamConsumer Consumer(IRevocationStore store, string? instance = null) =>
        new(_redis, store, new RevocationStreamOptions { SigningKeys = [Key], Instance = instance });

    private async Task<string> PublishAsync(string topic, byte[] key, params (string Name, string Value)[] fields)
    {
        var canonical = new StringBuilder(topic).Append('\n');
        foreach (var (name, value) in fields.OrderBy(field => field.Name, StringComparer.Ordinal))
        {
            canonical.Append(name).Append('=').Append(value).Append('\n');
        }

        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(canonical.ToString())));
        var reply = await _redis.SendAsync(["XADD", topic, "*", .. fields.SelectMany(field => new[] { field.Name, field.Value }), "_sig", signature]);
        return reply.Text!;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await condition())
        {
            Assert.True(await tick.WaitForNextTickAsync(limit.Token));
        }
    }

    private sealed class StubbornStore : IRevocationStore
    {
        public bool Fails { get; set; }

        public List<string> Marked { get; } = [];

        public ValueTask<bool> IsRevokedAsync(string anchor, CancellationToken cancellationToken = default) => new(Marked.Contains(anchor));

        public ValueTask MarkRevokedAsync(string anchor, TimeSpan? lifetime = null, CancellationToken cancellationToken = default)
        {
            if (Fails)
            {
                throw new InvalidOperationException("full");
            }

            Marked.Add(anchor);
            return ValueTask.CompletedTask;
        }

        public ValueTask<long> CurrentDelegationEpochAsync(string zoneId, CancellationToken cancellationToken = default) => new(0);

        public ValueTask MarkDelegationEpochAsync(string zoneId, long epoch, TimeSpan? lifetime = null, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;
    }
}
