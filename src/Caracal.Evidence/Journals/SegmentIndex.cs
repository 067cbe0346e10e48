namespace Caracal.Evidence.Journals;

// Which segments exist and how far each is written: the one state the writer and the reader share.
internal sealed class SegmentIndex(TimeProvider clock)
{
    private static readonly TimeSpan AgeGrain = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly List<Segment> segments = [];
    private readonly Queue<AgeMark> ages = new();
    private AgeMark? newestAge;
    private TaskCompletionSource? waiter;
    private long pendingRecords;
    private long pendingBytes;

    public JournalPosition End
    {
        get
        {
            lock (gate) return segments.Count == 0 ? default : new(segments[^1].Number, segments[^1].End);
        }
    }

    public void Add(long number, long end, bool closed, bool damaged)
    {
        lock (gate) segments.Add(new Segment(number) { End = end, Closed = closed, Damaged = damaged });
    }

    public void Recovered(JournalPosition end, long records, long bytes, DateTimeOffset since)
    {
        lock (gate)
        {
            pendingRecords += records;
            pendingBytes += bytes;
            if (records > 0) ages.Enqueue(new AgeMark(since) { End = end });
        }
    }

    public void Close(long number)
    {
        lock (gate)
        {
            if (segments.Find(segment => segment.Number == number) is { } segment) segment.Closed = true;
        }
    }

    /// <summary>Publishes a finished write: the reader may now see it.</summary>
    public void Advance(JournalPosition end, long records, long bytes)
    {
        TaskCompletionSource? waiting;
        lock (gate)
        {
            segments[^1].End = end.Offset;
            pendingRecords += records;
            pendingBytes += bytes;
            var now = clock.GetUtcNow();
            if (newestAge is null || now - newestAge.Since >= AgeGrain)
            {
                newestAge = new AgeMark(now);
                ages.Enqueue(newestAge);
            }

            newestAge.End = end;
            waiting = waiter;
            waiter = null;
        }

        waiting?.TrySetResult();
    }

    /// <summary>The first segment that holds unread bytes at or after a position; null when everything is read.</summary>
    public (long Number, long From, long End)? NextUnread(JournalPosition position)
    {
        lock (gate)
        {
            foreach (var segment in segments)
            {
                if (segment.Number < position.Segment) continue;
                var from = segment.Number == position.Segment ? position.Offset : 0;
                if (from < segment.End) return (segment.Number, from, segment.End);
            }

            return null;
        }
    }

    /// <summary>A task that ends at the next write, or at once when there is something after the position already.</summary>
    public Task WaitAsync(JournalPosition position)
    {
        lock (gate)
        {
            if (segments.Exists(segment => segment.Number >= position.Segment
                && (segment.Number > position.Segment ? segment.End > 0 : segment.End > position.Offset)))
            {
                return Task.CompletedTask;
            }

            waiter ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return waiter.Task;
        }
    }

    public void MarkDamaged(long number)
    {
        lock (gate)
        {
            if (segments.Find(segment => segment.Number == number) is { } segment) segment.Damaged = true;
        }
    }

    /// <summary>Settles everything before the position; returns the closed segments that are no longer needed.</summary>
    public List<(long Number, bool Damaged)> Settle(JournalPosition acknowledged, long records, long bytes)
    {
        lock (gate)
        {
            pendingRecords -= records;
            pendingBytes -= bytes;
            while (ages.TryPeek(out var age) && age.End <= acknowledged)
            {
                ages.Dequeue();
                if (ReferenceEquals(age, newestAge)) newestAge = null;
            }

            var spent = new List<(long, bool)>();
            segments.RemoveAll(segment =>
            {
                var done = segment.Closed && (segment.Number < acknowledged.Segment
                    || (segment.Number == acknowledged.Segment && segment.End <= acknowledged.Offset));
                if (done) spent.Add((segment.Number, segment.Damaged));
                return done;
            });
            return spent;
        }
    }

    public (long Records, long Bytes, int Segments, TimeSpan OldestAge) Figures()
    {
        lock (gate)
        {
            var age = ages.TryPeek(out var oldest) ? clock.GetUtcNow() - oldest.Since : TimeSpan.Zero;
            return (pendingRecords, pendingBytes, segments.Count, age < TimeSpan.Zero ? TimeSpan.Zero : age);
        }
    }

    private sealed class Segment(long number)
    {
        public long Number { get; } = number;

        public long End { get; set; }

        public bool Closed { get; set; }

        public bool Damaged { get; set; }
    }

    // Appends within one grain share a mark, so a long outage does not cost a mark per record.
    private sealed class AgeMark(DateTimeOffset since)
    {
        public DateTimeOffset Since { get; } = since;

        public JournalPosition End { get; set; }
    }
}
