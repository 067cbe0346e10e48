using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using Caracal.Evidence.Events;
using Caracal.Evidence.Journals;
using Caracal.Evidence.Ledger;
using Caracal.Evidence.Tests.Events;
using Caracal.Evidence.Trail;

namespace Caracal.Evidence.Tests.Trail;

public sealed class AuditTrailTests : IDisposable
{
    private static readonly AuditTrailOptions Fast = new()
    {
        Linger = TimeSpan.FromMilliseconds(1),
        MinBackoff = TimeSpan.FromMilliseconds(1),
        MaxBackoff = TimeSpan.FromMilliseconds(5),
        SpoolInterval = TimeSpan.FromMilliseconds(20),
        DirectTimeout = TimeSpan.FromMilliseconds(200),
    };

    private readonly string root = Directory.CreateTempSubdirectory("caracal-trail-").FullName;
    private readonly CancellationToken limit = new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;

    private string Folder => Path.Combine(root, "journal");

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Theory]
    [InlineData(JournalFsync.Always)]
    [InlineData(JournalFsync.Interval)]
    public async Task Recorded_events_reach_the_sink_byte_for_byte_and_in_order(JournalFsync fsync)
    {
        var sink = new RecordingSink();
        await using var trail = AuditTrail.Start(Folder, sink, new JournalOptions { Fsync = fsync }, Fast);
        for (var i = 0; i < 500; i++) await trail.RecordAsync(AuditEventTests.Sample($"e{i}"));
        await trail.FlushAsync(limit);
        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"e{i}"), sink.Ids);
        Assert.Equal(AuditEventTests.Sample("e0").ToUtf8(), sink.Events.First());
        Assert.Equal((0, 500, 500), (trail.Figures.Pending, trail.Figures.Persisted, trail.Figures.Shipped));
        Assert.Null(trail.NotReady);
    }

    [Fact]
    public async Task A_sink_that_is_down_costs_nothing_but_time()
    {
        var sink = new RecordingSink { Failures = 5 };
        var reported = 0;
        await using var trail = AuditTrail.Start(
            Folder, sink, new JournalOptions { Fsync = JournalFsync.Interval }, Fast with { SinkFailed = _ => Interlocked.Increment(ref reported) });
        await trail.RecordAsync(AuditEventTests.Sample());
        await trail.FlushAsync(limit);
        Assert.Equal(["e1"], sink.Ids);
        Assert.Equal(5, trail.Figures.SinkErrors);
        Assert.Equal(5, reported);
        Assert.Equal(0, trail.Figures.Dropped);
    }

    [Fact]
    public async Task What_waited_is_told_once_when_the_sink_has_taken_all_of_it()
    {
        var sink = new RecordingSink { Failures = 3 };
        var told = new List<long>();
        await using var trail = AuditTrail.Start(Folder, sink, new JournalOptions { Fsync = JournalFsync.Interval }, Fast with { SinkRecovered = told.Add });
        await trail.RecordAsync(AuditEventTests.Sample());
        await trail.FlushAsync(limit);
        await trail.StopAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(1, Assert.Single(told));
    }

    [Fact]
    public async Task What_was_not_shipped_before_the_stop_is_shipped_by_the_next_start()
    {
        var down = new RecordingSink { Failures = int.MaxValue };
        var first = AuditTrail.Start(Folder, down, new JournalOptions(), Fast);
        for (var i = 0; i < 10; i++) await first.RecordAsync(AuditEventTests.Sample($"e{i}"));
        Assert.Equal(10, first.Figures.Pending);
        await first.StopAsync(TimeSpan.FromMilliseconds(20));
        await first.DisposeAsync();
        Assert.Empty(down.Events);

        var up = new RecordingSink();
        await using var second = AuditTrail.Start(Folder, up, new JournalOptions(), Fast);
        await second.FlushAsync(limit);
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"e{i}"), up.Ids);
    }

    [Fact]
    public async Task Events_gather_also_while_others_are_shipped()
    {
        var sink = new RecordingSink { Time = TimeSpan.FromMilliseconds(10) };
        await using var trail = AuditTrail.Start(
            Folder, sink, new JournalOptions { Fsync = JournalFsync.Interval }, Fast with { Linger = TimeSpan.FromMilliseconds(250), MaxBatch = 100 });
        var begin = Stopwatch.StartNew();
        var recorded = 0;
        for (; begin.Elapsed < TimeSpan.FromSeconds(1); recorded++)
        {
            await trail.RecordAsync(AuditEventTests.Sample($"e{recorded}"));
            await Task.Delay(4, limit);
        }

        while (sink.Events.Count < recorded) await Task.Delay(5, limit);
        Assert.True(sink.Batches <= 2 * (begin.Elapsed / TimeSpan.FromMilliseconds(250)), $"{sink.Batches} batches in {begin.Elapsed}");
    }

    [Fact]
    public async Task What_fills_a_batch_does_not_wait_for_more()
    {
        var sink = new RecordingSink();
        await using var trail = AuditTrail.Start(
            Folder, sink, new JournalOptions { Fsync = JournalFsync.Interval }, Fast with { Linger = TimeSpan.FromSeconds(2), MaxBatch = 100 });
        var begin = Stopwatch.StartNew();
        for (var i = 0; i < 1000; i++) await trail.RecordAsync(AuditEventTests.Sample($"e{i}"));
        while (sink.Events.Count < 1000) await Task.Delay(5, limit);
        Assert.True(sink.Batches >= 10);
        Assert.True(begin.Elapsed < 5 * TimeSpan.FromSeconds(2), $"{begin.Elapsed}"); // not one pause for each batch
    }

    [Fact]
    public async Task Stopping_ships_the_rest_first()
    {
        var sink = new RecordingSink();
        var trail = AuditTrail.Start(Folder, sink, new JournalOptions(), Fast with { Linger = TimeSpan.FromMilliseconds(100) });
        await trail.RecordAsync(AuditEventTests.Sample());
        await trail.DisposeAsync();
        Assert.Equal(["e1"], sink.Ids);
    }

    [Fact]
    public async Task An_event_the_disk_refuses_goes_to_the_sink_directly()
    {
        var sink = new RecordingSink();
        await using var trail = AuditTrail.Start(Folder, sink, new JournalOptions { MaxRecordBytes = 10 }, Fast);
        await trail.RecordAsync(AuditEventTests.Sample());
        Assert.Equal(["e1"], sink.Ids);
        Assert.Null(trail.NotReady);
        Assert.Equal(0, trail.Figures.Persisted);
    }

    [Fact]
    public async Task An_event_nobody_takes_is_lost_refused_and_latched()
    {
        var lost = 0;
        var sink = new RecordingSink { Failures = 1 };
        await using var trail = AuditTrail.Start(
            Folder, sink, new JournalOptions { MaxRecordBytes = 10 }, Fast with { EventLost = _ => lost++ });
        await Assert.ThrowsAsync<JournalUnavailableException>(async () => await trail.RecordAsync(AuditEventTests.Sample()));
        Assert.Equal(1, lost);
        Assert.Equal(1, trail.Figures.Dropped);
        Assert.Equal("audit_evidence_lost", trail.NotReady);
        await trail.RecordAsync(AuditEventTests.Sample());
        Assert.Equal("audit_evidence_lost", trail.NotReady);
    }

    [Fact]
    public async Task A_full_disk_refuses_only_while_it_is_full()
    {
        // A closed descriptor limit, a quota or a full disk all end in the same refusal: here the next segment cannot be created.
        var sink = new RecordingSink { Failures = int.MaxValue };
        await using var trail = AuditTrail.Start(Folder, sink, new JournalOptions { SegmentBytes = 1 }, Fast);
        await trail.RecordAsync(AuditEventTests.Sample("first"));
        var obstacle = Directory.CreateDirectory(Path.Combine(Folder, "segment-0000000000000002.journal"));
        await Assert.ThrowsAsync<JournalUnavailableException>(async () => await trail.RecordAsync(AuditEventTests.Sample("refused")));
        obstacle.Delete();
        await trail.RecordAsync(AuditEventTests.Sample("again"));
        sink.Failures = 0;
        await trail.FlushAsync(limit);
        Assert.Equal(["first", "again"], sink.Ids);
    }

    [Fact]
    public async Task Spool_files_found_while_running_are_shipped()
    {
        var sink = new RecordingSink();
        await using var trail = AuditTrail.Start(Folder, sink, new JournalOptions(), Fast);
        var path = Path.Combine(Folder, "pending-9-9.ndjson");
        await File.WriteAllBytesAsync(path + ".tmp", [.. AuditEventTests.Sample("spooled").ToUtf8(), (byte)'\n'], limit);
        File.Move(path + ".tmp", path);
        await sink.FirstAsync(limit);
        Assert.Equal(["spooled"], sink.Ids);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task Whatever_the_journal_fails_with_the_shipper_goes_on()
    {
        var sink = new RecordingSink();
        var journal = Journal.Open(Folder, new JournalOptions());
        MarkOf(journal).Dispose(); // From here on an acknowledgement fails with something that is no IOException.
        await using var trail = new AuditTrail(journal, sink, Fast);
        trail.Start();
        foreach (var id in new[] { "e1", "e2" })
        {
            await trail.RecordAsync(AuditEventTests.Sample(id));
            await trail.FlushAsync(limit);
        }

        Assert.Equal(["e1", "e2"], sink.Ids);
        Assert.Equal((0, 2), (trail.Figures.Pending, trail.Figures.Shipped));
        Assert.True(trail.Figures.SinkErrors > 0);
    }

    [Fact]
    public async Task A_shipper_that_failed_keeps_nobody_from_opening_the_journal_again()
    {
        var trail = AuditTrail.Start(
            Folder, new RecordingSink { Failures = int.MaxValue }, new JournalOptions(), Fast with { SinkFailed = _ => throw new InvalidOperationException("nobody listens") });
        await trail.RecordAsync(AuditEventTests.Sample());
        while (trail.Figures.SinkErrors == 0) await Task.Delay(5, limit);
        await Assert.ThrowsAsync<InvalidOperationException>(() => trail.StopAsync(TimeSpan.Zero));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await trail.DisposeAsync());

        using var journal = Journal.Open(Folder);
        Assert.Equal(1, journal.Figures.PendingRecords);
    }

    [Fact]
    public async Task Many_producers_at_once_lose_nothing()
    {
        var sink = new RecordingSink { Failures = 3 };
        await using var trail = AuditTrail.Start(Folder, sink, new JournalOptions { SegmentBytes = 8192 }, Fast);
        await Parallel.ForAsync(0, 3000, limit, async (i, ct) => await trail.RecordAsync(AuditEventTests.Sample($"e{i}"), ct));
        await trail.FlushAsync(limit);
        Assert.Equal(3000, sink.Ids.Distinct().Count());
        Assert.Equal(3000, sink.Events.Count);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "mark")]
    private static extern ref AcknowledgedMark MarkOf(Journal journal);

    private sealed class RecordingSink : IAuditSink
    {
        private readonly TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int failures;
        private int batches;

        public int Failures
        {
            set => Volatile.Write(ref failures, value);
        }

        /// <summary>What a delivery takes.</summary>
        public TimeSpan Time { get; init; }

        /// <summary>Deliveries that were taken.</summary>
        public int Batches => Volatile.Read(ref batches);

        public ConcurrentQueue<byte[]> Events { get; } = [];

        public IEnumerable<string> Ids => Events.Select(bytes => IngestParser.Parse(bytes).Id);

        public Task FirstAsync(CancellationToken ct) => first.Task.WaitAsync(ct);

        public async Task ShipAsync(IReadOnlyList<ReadOnlyMemory<byte>> events, CancellationToken ct)
        {
            if (Interlocked.Decrement(ref failures) >= 0) throw new IOException("the stream is away");
            if (Time > TimeSpan.Zero) await Task.Delay(Time, ct);
            Interlocked.Increment(ref batches);
            foreach (var item in events) Events.Enqueue(item.ToArray());
            first.TrySetResult();
        }
    }
}
