using System.Diagnostics;
using Caracal.Streams.Tests.Servers;

namespace Caracal.Streams.Tests.Contract;

/// <summary>What every transport does, whatever carries it.</summary>
public abstract class TransportContract(Ports ports) : IAsyncDisposable
{
    private const string Topic = "caracal.test.a";
    private const string Other = "caracal.test.b";
    private static readonly TimeSpan No = TimeSpan.Zero;

    private readonly CancellationTokenSource _end = new(TimeSpan.FromSeconds(30));

    private IStreamTransport Streams => ports.Streams;

    private CancellationToken End => _end.Token;

    [Fact]
    public async Task A_group_from_now_on_never_sees_what_was_there_before_and_one_from_the_beginning_sees_all()
    {
        var first = await AppendAsync(Topic, "1");
        await Streams.EnsureGroupAsync(Topic, "now", fromBeginning: false, shared: false, End);
        await Streams.EnsureGroupAsync(Topic, "all", fromBeginning: true, shared: false, End);
        var second = await AppendAsync(Topic, "2");
        Assert.Equal([second], Ids(await ReadAsync("now", 10)));
        Assert.Equal([first, second], Ids(await ReadAsync("all", 10)));
    }

    [Fact]
    public async Task A_group_that_is_ensured_again_keeps_its_place()
    {
        await Streams.EnsureGroupAsync(Topic, "g", fromBeginning: true, shared: false, End);
        await AppendAsync(Topic, "1");
        Assert.Single(await ReadAsync("g", 10));
        await Streams.EnsureGroupAsync(Topic, "g", fromBeginning: true, shared: false, End);
        Assert.Empty(await ReadAsync("g", 10));
    }

    [Fact]
    public async Task A_message_keeps_every_byte_of_its_fields_and_their_order()
    {
        KeyValuePair<string, string>[] fields =
        [
            new("zone_id", "zürich 😀"), new("empty", ""), new("lines", "a\r\nb\n*3\r\n$-1\r\n"), new("nul", "\0\u0001"),
            new("a=b", "null"), new("日本", new string('x', 100_000)),
        ];
        await Streams.EnsureGroupAsync(Topic, "g", fromBeginning: false, shared: false, End);
        var before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var id = await Streams.AppendAsync(Topic, fields, null, End);
        var entry = Assert.Single(await ReadAsync("g", 10));
        Assert.Equal(Topic, entry.Topic);
        Assert.Equal(id, entry.Id);
        Assert.Equal(fields, entry.Fields);
        Assert.InRange(entry.Milliseconds, before, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task A_read_hands_out_no_more_than_asked_and_the_rest_later()
    {
        await EnsureBothAsync();
        for (var i = 0; i < 7; i++)
        {
            await AppendAsync(Topic, $"a{i}");
            await AppendAsync(Other, $"b{i}");
        }

        foreach (var count in new[] { 1, 3, 10 })
        {
            await Streams.EnsureGroupAsync(Topic, $"by{count}", fromBeginning: true, shared: false, End);
            await Streams.EnsureGroupAsync(Other, $"by{count}", fromBeginning: true, shared: false, End);
            var seen = new List<string>();
            IReadOnlyList<StreamEntry> entries;
            while ((entries = await Streams.ReadAsync([Topic, Other], $"by{count}", "c", count, No, End)).Count > 0)
            {
                Assert.InRange(entries.Count, 1, count);
                seen.AddRange(entries.Select(e => e.Value("n")!));
            }

            Assert.Equal(14, seen.Count);
            Assert.Equal(Enumerable.Range(0, 7).Select(i => $"a{i}"), seen.Where(n => n[0] == 'a'));
            Assert.Equal(Enumerable.Range(0, 7).Select(i => $"b{i}"), seen.Where(n => n[0] == 'b'));
        }
    }

    [Fact]
    public async Task A_waiting_read_ends_empty_after_its_time_and_at_once_with_the_first_message_of_any_topic()
    {
        await EnsureBothAsync();
        var waited = Stopwatch.StartNew();
        Assert.Empty(await Streams.ReadAsync([Topic, Other], "g", "c", 10, TimeSpan.FromMilliseconds(60), End));
        Assert.InRange(waited.ElapsedMilliseconds, 50, 5_000);
        var reading = Streams.ReadAsync([Topic, Other], "g", "c", 10, TimeSpan.FromSeconds(20), End);
        var id = await AppendAsync(Other, "1");
        Assert.Equal([id], Ids(await reading));
        Assert.InRange(waited.Elapsed, No, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_read_that_is_cancelled_ends_at_once_and_loses_no_message()
    {
        await EnsureBothAsync();
        for (var i = 0; i < 20; i++)
        {
            using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(End);
            var reading = Streams.ReadAsync([Topic, Other], "g", "c", 10, TimeSpan.FromSeconds(20), cancelled.Token);
            var appending = AppendAsync(Topic, $"{i}");
            await cancelled.CancelAsync();
            var id = await appending;
            IReadOnlyList<StreamEntry> entries = [];
            try
            {
                entries = await reading;
            }
            catch (OperationCanceledException)
            {
                // Whether the message or the cancellation came first is open; that the message comes is not.
            }

            while (entries.Count == 0)
            {
                entries = await Streams.ReadAsync([Topic], "g", "c", 10, TimeSpan.FromMilliseconds(10), End);
            }

            Assert.Equal([id], Ids(entries));
        }
    }

    [Fact]
    public async Task Consumers_of_one_group_divide_the_messages_and_groups_do_not()
    {
        await EnsureBothAsync();
        for (var i = 0; i < 40; i++)
        {
            await AppendAsync(Topic, $"{i}");
        }

        var shares = await Task.WhenAll(Enumerable.Range(0, 4).Select(async consumer =>
        {
            var own = new List<string>();
            IReadOnlyList<StreamEntry> entries;
            while ((entries = await Streams.ReadAsync([Topic], "g", $"c{consumer}", 3, No, End)).Count > 0)
            {
                own.AddRange(Ids(entries));
            }

            return own;
        }));
        Assert.Equal(40, shares.Sum(share => share.Count));
        Assert.Equal(40, shares.SelectMany(share => share).Distinct().Count());
        await Streams.EnsureGroupAsync(Topic, "h", fromBeginning: true, shared: false, End);
        Assert.Equal(40, (await ReadAsync("h", 100)).Count);
    }

    [Fact]
    public async Task Only_what_was_delivered_long_enough_ago_and_never_acknowledged_can_be_claimed()
    {
        await EnsureBothAsync();
        var ids = new List<string>();
        for (var i = 0; i < 30; i++)
        {
            ids.Add(await AppendAsync(Topic, $"{i}"));
        }

        await ReadAsync("g", 20);
        Assert.Empty(await Streams.ClaimAsync(Topic, "g", "c2", TimeSpan.FromMinutes(1), 100, End));
        Assert.Equal(ids[..5], Ids(await Streams.ClaimAsync(Topic, "g", "c2", No, 5, End)));
        await Streams.AcknowledgeAsync(Topic, "g", ids[0], End);
        await Streams.DeleteAsync(Topic, ids[1], End);
        Assert.Equal(ids[2..20], Ids(await Streams.ClaimAsync(Topic, "g", "c2", No, 100, End)));
        foreach (var id in ids)
        {
            await Streams.AcknowledgeAsync(Topic, "g", id, End);
        }

        Assert.Empty(await Streams.ClaimAsync(Topic, "g", "c2", No, 100, End));
    }

    [Fact]
    public async Task A_range_starts_after_an_id_and_misses_what_was_deleted()
    {
        Assert.Empty(await Streams.RangeAsync(Topic, null, 10, End));
        Assert.Equal(0, await Streams.LengthAsync(Topic, End));
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add(await AppendAsync(Topic, $"{i}"));
        }

        await Streams.DeleteAsync(Topic, ids[2], End);
        await Streams.DeleteAsync(Topic, ids[2], End);
        Assert.Equal(4, await Streams.LengthAsync(Topic, End));
        Assert.Equal([ids[0], ids[1]], Ids(await Streams.RangeAsync(Topic, null, 2, End)));
        Assert.Equal([ids[3], ids[4]], Ids(await Streams.RangeAsync(Topic, ids[1], 10, End)));
    }

    [Fact]
    public async Task A_bounded_topic_keeps_about_its_bound_and_an_unbounded_one_everything()
    {
        for (var i = 0; i < 1_500; i++)
        {
            _ = Streams.AppendAsync(Topic, [new("n", $"{i}")], 500, End);
            await Streams.AppendAsync(Other, [new("n", $"{i}")], null, End);
        }

        Assert.InRange(await Streams.LengthAsync(Topic, End), 500, 750);
        Assert.Equal(1_500, await Streams.LengthAsync(Other, End));
    }

    [Fact]
    public async Task Messages_that_are_appended_without_waiting_keep_their_order()
    {
        var appends = Enumerable.Range(0, 1_000).Select(i => AppendAsync(Topic, $"{i}")).ToArray();
        var ids = await Task.WhenAll(appends);
        var entries = await Streams.RangeAsync(Topic, null, 2_000, End);
        Assert.Equal(ids, Ids(entries));
        Assert.Equal(Enumerable.Range(0, 1_000).Select(i => $"{i}"), entries.Select(e => e.Value("n")));
    }

    [Fact]
    public async Task A_removed_group_is_gone_and_removing_it_again_does_nothing()
    {
        await Streams.RemoveGroupAsync(Topic, "never", End);
        await EnsureBothAsync();
        await AppendAsync(Topic, "1");
        await Streams.RemoveGroupAsync(Topic, "g", End);
        await Streams.RemoveGroupAsync(Topic, "g", End);
        await Streams.EnsureGroupAsync(Topic, "g", fromBeginning: false, shared: false, End);
        Assert.Empty(await ReadAsync("g", 10));
    }

    [Fact]
    public async Task A_message_nobody_has_to_take_is_settled_at_once()
    {
        var id = await AppendAsync(Topic, "1");
        await Streams.SettledAsync(Topic, id, End);
    }

    [Fact]
    public async Task What_a_group_has_acknowledged_does_not_count_as_waiting_though_it_is_still_there()
    {
        await Streams.EnsureGroupAsync(Topic, "g", fromBeginning: true, shared: true, End);
        var ids = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(i => Streams.AppendAsync(Topic, [new("n", $"{i}")], 10_000, End)));
        var now = DateTimeOffset.UtcNow;
        Assert.Equal(new GroupBacklog(1_000, 0, ids[0]), await Streams.BacklogAsync(Topic, "g", End));
        Assert.Equal(1_000, (await ReadAsync("g", 1_000)).Count);
        Assert.Equal(new GroupBacklog(0, 1_000, ids[0]), await Streams.BacklogAsync(Topic, "g", End));

        await Task.WhenAll(ids[..400].Concat(ids[401..]).Select(id => Streams.AcknowledgeAsync(Topic, "g", id, End)));
        var one = await Streams.BacklogAsync(Topic, "g", End);
        Assert.Equal((1, ids[400]), (one.Waiting, one.OldestWaitingId));
        Assert.InRange(one.OldestAge(now + TimeSpan.FromHours(1)), TimeSpan.FromMinutes(59), TimeSpan.FromMinutes(61));

        await Streams.AcknowledgeAsync(Topic, "g", ids[400], End);
        var none = await Streams.BacklogAsync(Topic, "g", End);
        Assert.Equal((0, TimeSpan.Zero, 1_000), (none.Waiting, none.OldestAge(now + TimeSpan.FromHours(1)), await Streams.LengthAsync(Topic, End)));

        var last = await AppendAsync(Topic, "last");
        Assert.Equal(new GroupBacklog(1, 0, last), await Streams.BacklogAsync(Topic, "g", End));
    }

    [Fact]
    public async Task All_of_a_topic_waits_for_a_group_that_is_not_there()
    {
        Assert.Equal(new GroupBacklog(0, 0, null), await Streams.BacklogAsync(Topic, "g", End));
        var first = await AppendAsync(Topic, "1");
        await AppendAsync(Topic, "2");
        Assert.Equal(new GroupBacklog(2, 0, first), await Streams.BacklogAsync(Topic, "g", End));
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await ports.DisposeAsync();
        _end.Dispose();
        GC.SuppressFinalize(this);
    }

    private static string[] Ids(IReadOnlyList<StreamEntry> entries) => [.. entries.Select(e => e.Id)];

    private Task<string> AppendAsync(string topic, string n) => Streams.AppendAsync(topic, [new("n", n)], null, End);

    private Task<IReadOnlyList<StreamEntry>> ReadAsync(string group, int count) =>
        Streams.ReadAsync([Topic], group, "c", count, No, End);

    private async Task EnsureBothAsync()
    {
        await Streams.EnsureGroupAsync(Topic, "g", fromBeginning: false, shared: false, End);
        await Streams.EnsureGroupAsync(Other, "g", fromBeginning: false, shared: false, End);
    }
}

public sealed class InProcessTransportTests() : TransportContract(Ports.InProcess());

public sealed class RedisTransportTests(RedisServer server) : TransportContract(Ports.OnRedis(server));
