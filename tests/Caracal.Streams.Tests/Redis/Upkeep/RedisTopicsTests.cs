using Caracal.Protocol;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Upkeep;
using Caracal.Streams.Tests.Servers;

namespace Caracal.Streams.Tests.Redis.Upkeep;

public sealed class RedisTopicsTests : IAsyncDisposable
{
    private const string Topic = Topics.SessionsRevoke;
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly CancellationTokenSource _end = new(TimeSpan.FromSeconds(30));
    private readonly RedisConnection _redis;
    private readonly RedisStreams _streams;
    private readonly RedisTopics _topics;

    public RedisTopicsTests(RedisServer server)
    {
        _redis = new RedisConnection(server.Options());
        _streams = new RedisStreams(_redis);
        _topics = new RedisTopics(_redis);
    }

    private CancellationToken End => _end.Token;

    [Fact]
    public async Task Trimming_never_cuts_what_a_group_with_a_reader_has_not_read_or_not_acknowledged()
    {
        await GroupAsync("slow", "idle");
        var ids = await AppendAsync(3_000);
        var read = await _streams.ReadAsync([Topic], "slow", "c", 1_000, TimeSpan.Zero, End);
        foreach (var entry in read.Take(400))
        {
            await _streams.AcknowledgeAsync(Topic, "slow", entry.Id, End);
        }

        var left = await _topics.TrimAsync(Topic, 500, Hour, End);
        Assert.Equal(left, await _streams.LengthAsync(Topic, End));
        Assert.InRange(left, 2_600, 2_800);
        Assert.Contains(ids[400], (await _streams.RangeAsync(Topic, null, 400, End)).Select(e => e.Id));
    }

    [Fact]
    public async Task Trimming_leaves_its_number_of_messages_when_everyone_has_read_them_and_groups_without_readers_do_not_count()
    {
        await GroupAsync("done", "observer");
        await AppendAsync(3_000);
        foreach (var entry in await _streams.ReadAsync([Topic], "done", "c", 3_000, TimeSpan.Zero, End))
        {
            _ = _streams.AcknowledgeAsync(Topic, "done", entry.Id, End);
        }

        Assert.InRange(await _topics.TrimAsync(Topic, 500, Hour, End), 500, 700);
        Assert.InRange(await _topics.TrimAsync(Topic, 500, Hour, End), 500, 700);
    }

    [Fact]
    public async Task Evidence_is_cut_only_when_every_reader_is_done_with_it_and_never_while_nobody_reads()
    {
        await GroupAsync("audit-ingestor", "siem-export");
        await AppendAsync(1_000);
        Assert.Equal(["audit-ingestor", "siem-export"], await _topics.TrimReadAsync(Topic, Hour, End));
        Assert.Equal(1_000, await _streams.LengthAsync(Topic, End));
        var read = await _streams.ReadAsync([Topic], "audit-ingestor", "c", 800, TimeSpan.Zero, End);
        foreach (var entry in read.Take(500))
        {
            await _streams.AcknowledgeAsync(Topic, "audit-ingestor", entry.Id, End);
        }

        Assert.Equal(["siem-export"], await _topics.TrimReadAsync(Topic, Hour, End));
        Assert.InRange(await _streams.LengthAsync(Topic, End), 500, 620);
    }

    [Fact]
    public async Task A_group_tells_how_far_it_is_behind()
    {
        Assert.Empty(await _topics.GroupsAsync("no.such.topic", End));
        await GroupAsync("g");
        var now = DateTimeOffset.UtcNow;
        var unread = Assert.Single(await _topics.GroupsAsync(Topic, End));
        Assert.Equal((null, 0, TimeSpan.Zero, null), (unread.OldestWaitingId, unread.Pending, unread.Lag(now), unread.Idle));
        var ids = await AppendAsync(3);
        Assert.Equal(ids[0], Assert.Single(await _topics.GroupsAsync(Topic, End)).OldestWaitingId);
        await _streams.ReadAsync([Topic], "g", "c", 2, TimeSpan.Zero, End);
        await _streams.AcknowledgeAsync(Topic, "g", ids[0], End);
        var behind = Assert.Single(await _topics.GroupsAsync(Topic, End));
        Assert.Equal((ids[1], 1, ids[1]), (behind.LastDeliveredId, behind.Pending, behind.OldestWaitingId));
        Assert.True(behind.IsRead(Hour));
        Assert.InRange(behind.Lag(now + Hour), Hour - TimeSpan.FromMinutes(1), Hour + TimeSpan.FromMinutes(1));
        await _streams.AcknowledgeAsync(Topic, "g", ids[1], End);
        Assert.Equal(ids[2], Assert.Single(await _topics.GroupsAsync(Topic, End)).OldestWaitingId);
    }

    [Fact]
    [Trait("requirement", "R40")]
    public async Task Provisioning_makes_every_group_once_and_skips_no_evidence()
    {
        var early = await _streams.AppendAsync(Topics.AuditEvents, [new("data", "{}")], null, End);
        var provisioning = new RedisProvisioning(_streams);
        Assert.Empty(await provisioning.RunAsync(End));
        Assert.Empty(await provisioning.RunAsync(End));
        Assert.Equal(
            ["audit-ingestor", "siem-export"], (await _topics.GroupsAsync(Topics.AuditEvents, End)).Select(g => g.Name).Order());
        Assert.Equal("coordinator-relay", Assert.Single(await _topics.GroupsAsync(Topics.AgentsLifecycle, End)).Name);
        Assert.Equal(1, await _streams.LengthAsync("caracal.providers.ratelimit", End));
        var entries = await _streams.ReadAsync([Topics.AuditEvents], "audit-ingestor", "c", 10, TimeSpan.Zero, End);
        Assert.Equal(early, Assert.Single(entries).Id);
    }

    [Fact]
    public async Task The_eviction_policy_is_known()
    {
        Assert.Equal("noeviction", await _topics.EvictionPolicyAsync(End));
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _redis.DisposeAsync();
        _end.Dispose();
    }

    private async Task GroupAsync(params string[] groups)
    {
        foreach (var group in groups)
        {
            await _streams.EnsureGroupAsync(Topic, group, fromBeginning: true, shared: true, End);
        }
    }

    private Task<string[]> AppendAsync(int count) => Task.WhenAll(
        Enumerable.Range(0, count).Select(i => _streams.AppendAsync(Topic, [new("n", $"{i}")], null, End)));
}
