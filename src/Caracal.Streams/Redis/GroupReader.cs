using System.Collections.Concurrent;
using Caracal.Streams.InProcess;
using Caracal.Streams.Redis.Resp;
using static Caracal.Streams.Redis.StreamCommands;

namespace Caracal.Streams.Redis;

/// <summary>
/// The place of one consumer in one group. Redis counts a message as delivered when it leaves the server; if the
/// connection dies on its way, the message is nobody's until it is reclaimed half a minute later, too late for a
/// revocation. So each read remembers how far it got, and after a cancelled one first asks for what was delivered beyond
/// that. After trouble with the server (and at the start) it asks for everything that was not acknowledged: the trouble
/// may have broken off the work on a whole batch.
/// </summary>
internal sealed class GroupReader(RedisConnection redis, string group, string consumer)
{
    // A read that broke may still be on its way to the server and take messages there after we have looked.
    private const long SuspicionMilliseconds = 10_000;

    private readonly ConcurrentDictionary<string, Place> _places = new(StringComparer.Ordinal);
    private long _disruptions = redis.Figures.Disruptions;

    /// <summary>At most <paramref name="count"/> messages. The reply is an error when the group does not exist.</summary>
    public async Task<RespValue> ReadAsync(
        IReadOnlyList<string> topics, int count, TimeSpan block, List<StreamEntry> into, CancellationToken cancellationToken)
    {
        var disruptions = redis.Figures.Disruptions;
        if (Interlocked.Exchange(ref _disruptions, disruptions) != disruptions)
        {
            foreach (var topic in topics)
            {
                PlaceIn(topic).LookBackToTheStart();
            }
        }

        var lost = topics.Where(topic => PlaceIn(topic).MayHaveLost).ToArray();
        if (lost.Length > 0)
        {
            var recovered = await RecoverAsync(lost, count, into, cancellationToken);
            if (recovered.Kind == RespKind.Error || into.Count > 0)
            {
                return recovered;
            }
        }

        return await ReadNewAsync(topics, count, block, into, cancellationToken);
    }

    /// <summary>The group was made anew: nothing of its past counts.</summary>
    public void Forget(string topic) => _places.TryRemove(topic, out _);

    private async Task<RespValue> RecoverAsync(
        string[] topics, int count, List<StreamEntry> into, CancellationToken cancellationToken)
    {
        var from = Array.ConvertAll(topics, topic => KeyValuePair.Create(topic, PlaceIn(topic).Last.ToString()));
        var command = new ReadCommand(group, consumer, Share(count, topics.Length), null, from);
        var reply = await redis.SendAsync(Read, command, cancellationToken);
        if (reply.Kind == RespKind.Error)
        {
            return reply;
        }

        var found = new List<StreamEntry>[topics.Length];
        for (var i = 0; i < topics.Length; i++)
        {
            var gone = new List<string>();
            StreamReplies.Entries(topics[i], reply[topics[i]], found[i] = [], gone);
            foreach (var id in gone)
            {
                await redis.SendAsync(Acknowledge, (topics[i], group, id), cancellationToken);
            }

            PlaceIn(topics[i]).Looked(isEmpty: found[i].Count + gone.Count == 0);
        }

        // Nothing is handed out before everything that can fail has been done: what counts as handed out is not recovered.
        for (var i = 0; i < topics.Length; i++)
        {
            HandOut(topics[i], found[i], count, into);
        }

        return reply;
    }

    private async Task<RespValue> ReadNewAsync(
        IReadOnlyList<string> topics, int count, TimeSpan block, List<StreamEntry> into, CancellationToken cancellationToken)
    {
        var from = topics.Select(topic => KeyValuePair.Create(topic, ">")).ToArray();
        var wait = block > TimeSpan.Zero ? (long)Math.Ceiling(block.TotalMilliseconds) : (long?)null;
        var command = new ReadCommand(group, consumer, Share(count, topics.Count), wait, from);
        RespValue reply;
        try
        {
            // streams.md 6.6: a read that blocks is never sent on the shared connection.
            reply = wait is null
                ? await redis.SendAsync(Read, command, cancellationToken)
                : await redis.SendBlockingAsync(Read, command, block, cancellationToken);
        }
        catch
        {
            foreach (var topic in topics)
            {
                PlaceIn(topic).Broke();
            }

            throw;
        }

        for (var i = 0; i + 1 < reply.Items.Length; i += 2)
        {
            var found = new List<StreamEntry>();
            var topic = reply.Items[i].Text ?? "";
            StreamReplies.Entries(topic, reply.Items[i + 1], found, null);
            HandOut(topic, found, count, into);
        }

        return reply;
    }

    // COUNT is per topic; what goes beyond the caller's number stays behind as if it had been lost.
    private void HandOut(string topic, List<StreamEntry> found, int count, List<StreamEntry> into)
    {
        var place = PlaceIn(topic);
        foreach (var entry in found)
        {
            if (into.Count == count)
            {
                place.MayHaveLost = true;
                return;
            }

            into.Add(entry);
            place.Last = EntryId.Parse(entry.Id);
        }
    }

    private static int Share(int count, int topics) => Math.Max(1, count / topics);

    private Place PlaceIn(string topic) => _places.GetOrAdd(topic, static _ => new Place());

    private sealed class Place
    {
        public EntryId Last { get; set; }

        public bool MayHaveLost { get; set; } = true;

        private long SuspectUntil { get; set; }

        public void Broke()
        {
            MayHaveLost = true;
            SuspectUntil = Environment.TickCount64 + SuspicionMilliseconds;
        }

        public void LookBackToTheStart()
        {
            Broke();
            Last = default;
        }

        public void Looked(bool isEmpty) => MayHaveLost = !isEmpty || Environment.TickCount64 < SuspectUntil;
    }
}
