using System.Runtime.Versioning;
using System.Text;
using Caracal.Evidence.Journals;

namespace Caracal.Evidence.Tests.Journals;

[UnsupportedOSPlatform("windows")]
public sealed class JournalTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("caracal-journal-").FullName;

    private string Folder => Path.Combine(root, "journal");

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Theory]
    [InlineData(JournalFsync.Always)]
    [InlineData(JournalFsync.Interval)]
    public async Task What_was_appended_is_read_in_order_after_a_restart(JournalFsync fsync)
    {
        using (var journal = Open(fsync))
        {
            for (var i = 0; i < 100; i++) await Append(journal, $"event {i}");
        }

        using var again = Open(fsync);
        Assert.Equal(100, again.Figures.PendingRecords);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"event {i}"), await ReadAll(again));
        Assert.Equal(0, again.Figures.PendingRecords);
        Assert.Equal(0, again.Figures.PendingBytes);
    }

    [Theory]
    [InlineData(JournalFsync.Always)]
    [InlineData(JournalFsync.Interval)]
    public async Task Concurrent_appends_are_all_kept(JournalFsync fsync)
    {
        using (var journal = Open(fsync, segmentBytes: 4096))
        {
            await Parallel.ForAsync(0, 2000, async (i, _) => await Append(journal, $"event {i}"));
        }

        using var again = Open(fsync);
        Assert.Equal(Enumerable.Range(0, 2000).Select(i => $"event {i}").Order(), (await ReadAll(again)).Order());
    }

    [Theory]
    [InlineData(JournalFsync.Always)]
    [InlineData(JournalFsync.Interval)]
    public async Task While_others_wait_for_a_thread_events_gather_for_one_write(JournalFsync fsync)
    {
        using var journal = Open(fsync);
        CrowdThePool(TimeSpan.FromMilliseconds(20));
        var appends = Enumerable.Range(0, 3).Select(i => Append(journal, $"event {i}").AsTask()).ToList();
        Assert.Equal(0, journal.Figures.PendingRecords);
        Assert.All(appends, append => Assert.False(append.IsCompleted));

        await Task.WhenAll(appends);
        Assert.Equal(3, journal.Figures.PendingRecords);
        Assert.Equal(["event 0", "event 1", "event 2"], await ReadAll(journal));
    }

    [Fact]
    public async Task A_journal_that_is_closed_in_a_crowd_keeps_what_it_was_given()
    {
        Task append;
        using (var journal = Open())
        {
            CrowdThePool(TimeSpan.FromMilliseconds(5));
            append = Append(journal, "event").AsTask();
        }

        await append;
        using var again = Open();
        Assert.Equal(["event"], await ReadAll(again));
    }

    [Fact]
    public async Task Files_are_closed_to_others()
    {
        using var journal = Open();
        await Append(journal, "x");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Folder));
        Assert.All(Directory.GetFiles(Folder), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        Assert.True(journal.Probe());
    }

    [Fact]
    public async Task Acknowledged_records_are_not_read_again_and_whole_segments_go()
    {
        JournalPosition acknowledged;
        using (var journal = Open(segmentBytes: 64))
        {
            for (var i = 0; i < 20; i++) await Append(journal, $"a record of some length {i}");
            var before = journal.Figures.Segments;
            var batch = await journal.ReadAsync(15, CancellationToken.None);
            Assert.NotNull(batch);
            while (batch!.Records.Count < 1) batch = journal.Read(15);
            await journal.AcknowledgeAsync(batch.End);
            acknowledged = batch.End;
            Assert.True(journal.Figures.Segments < before);
        }

        using var again = Open(segmentBytes: 64);
        Assert.Equal(acknowledged, again.Acknowledged);
        var rest = await ReadAll(again);
        Assert.Equal("a record of some length 19", rest[^1]);
        Assert.True(rest.Count < 20);
        Assert.Empty(SegmentFiles().Skip(1));
    }

    [Fact]
    public async Task Unacknowledged_records_come_again_after_a_restart()
    {
        using (var journal = Open())
        {
            await Append(journal, "one");
            Assert.NotNull(journal.Read(10));
        }

        using var again = Open();
        Assert.Equal(["one"], await ReadAll(again));
    }

    [Fact]
    public async Task A_torn_tail_is_cut_quietly()
    {
        await Write("one", "two");
        var segment = Assert.Single(SegmentFiles());
        using (var file = File.OpenWrite(segment)) file.SetLength(file.Length - 1);
        using var journal = Open();
        Assert.Equal(["one"], await ReadAll(journal));
        Assert.Equal(0, journal.Figures.DamagedSegments);
    }

    [Fact]
    public async Task A_tail_of_zeros_after_a_power_cut_is_cut_quietly()
    {
        await Write("one");
        var segment = Assert.Single(SegmentFiles());
        using (var file = File.OpenWrite(segment)) file.SetLength(file.Length + 5000);
        using var journal = Open();
        Assert.Equal(["one"], await ReadAll(journal));
        Assert.Equal(0, journal.Figures.DamagedSegments);
    }

    [Fact]
    public async Task A_bad_record_inside_is_kept_aside_and_counted_and_the_others_are_read()
    {
        await Write("one", "two", "three");
        var segment = Assert.Single(SegmentFiles());
        var bytes = await File.ReadAllBytesAsync(segment);
        bytes[8 + 3 + 8] ^= 1; // first payload byte of "two"
        await File.WriteAllBytesAsync(segment, bytes);
        using var journal = Open();
        Assert.Equal(["one", "three"], await ReadAll(journal));
        Assert.Equal(1, journal.Figures.DamagedSegments);
        Assert.Equal(0, journal.Figures.PendingRecords);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(segment + ".bad"));
    }

    [Theory]
    [InlineData(0xffffffff)]
    [InlineData(2u * 1024 * 1024)] // beyond the file, and longer than what is appended
    public async Task A_bad_length_inside_loses_no_earlier_record_and_no_later_segment(uint length)
    {
        using (var journal = Open(segmentBytes: 1))
        {
            await Append(journal, "one");
            await Append(journal, "two");
        }

        var first = SegmentFiles()[0];
        var bytes = await File.ReadAllBytesAsync(first);
        await File.WriteAllBytesAsync(first, [.. bytes, .. BitConverter.GetBytes(length), 1, 2, 3, 4, 5]);
        using var again = Open();
        Assert.Equal(["one", "two"], await ReadAll(again));
        Assert.Equal(1, again.Figures.DamagedSegments);
        Assert.True(File.Exists(first + ".bad"));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(3 * 1024 * 1024)]
    public async Task A_record_outlives_a_setting_that_would_not_take_it_today(int length)
    {
        var written = new[] { "one", new string('x', length), "two" };
        using (var journal = Open(JournalFsync.Interval, maxRecordBytes: length))
        {
            foreach (var record in written) await Append(journal, record);
        }

        using var again = Open(JournalFsync.Interval, maxRecordBytes: 100);
        Assert.Equal(3, again.Figures.PendingRecords);
        Assert.Equal(written, await ReadAll(again));
        Assert.Equal(0, again.Figures.DamagedSegments);
        await Assert.ThrowsAsync<JournalUnavailableException>(async () => await Append(again, written[1]));
    }

    [Fact]
    public async Task No_setting_takes_a_record_that_would_not_be_read_again()
    {
        using var journal = Open(JournalFsync.Interval, maxRecordBytes: int.MaxValue);
        await Assert.ThrowsAsync<JournalUnavailableException>(async () => await journal.AppendAsync(new byte[(64 * 1024 * 1024) + 1]));
    }

    [Fact]
    public async Task Any_truncation_keeps_a_prefix_of_the_records()
    {
        var random = new Random(20260712);
        for (var round = 0; round < 60; round++)
        {
            foreach (var file in Directory.Exists(Folder) ? Directory.GetFiles(Folder) : []) File.Delete(file);
            var written = Enumerable.Range(0, random.Next(1, 12)).Select(i => new string((char)('a' + i), random.Next(1, 200))).ToArray();
            await Write(written);
            var segment = Assert.Single(SegmentFiles());
            using (var file = File.OpenWrite(segment)) file.SetLength(random.NextInt64(file.Length + 1));
            using (var journal = Open())
            {
                var kept = await ReadAll(journal);
                Assert.Equal(written.Take(kept.Count), kept);
                Assert.Equal(0, journal.Figures.DamagedSegments);
                await Append(journal, "after");
            }

            using var again = Open();
            Assert.Equal(["after"], await ReadAll(again));
        }
    }

    [Fact]
    public async Task Any_flipped_bit_costs_no_more_than_what_follows_it_in_its_segment()
    {
        var random = new Random(7);
        for (var round = 0; round < 60; round++)
        {
            foreach (var file in Directory.Exists(Folder) ? Directory.GetFiles(Folder) : []) File.Delete(file);
            var written = Enumerable.Range(0, 8).Select(i => $"record {i} {new string('x', random.Next(50))}").ToArray();
            await Write(written);
            var segment = Assert.Single(SegmentFiles());
            var bytes = await File.ReadAllBytesAsync(segment);
            var at = random.Next(bytes.Length);
            bytes[at] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(segment, bytes);
            using var journal = Open();
            var kept = await ReadAll(journal);
            Assert.All(kept, record => Assert.Contains(record, written));
            var untouched = 0;
            for (int i = 0, end = 0; i < written.Length; i++)
            {
                end += 8 + written[i].Length;
                if (end <= at) untouched++;
            }

            Assert.Equal(written.Take(untouched), kept.Take(untouched));
        }
    }

    [Fact]
    public async Task Waiting_ends_with_the_next_append()
    {
        using var journal = Open();
        var waiting = journal.ReadAsync(10, CancellationToken.None).AsTask();
        Assert.False(waiting.IsCompleted);
        await Append(journal, "now");
        Assert.Equal("now", Encoding.UTF8.GetString((await waiting).Records[0].Span));
    }

    [Fact]
    public async Task Impossible_records_and_a_closed_journal_are_refused()
    {
        var journal = Open();
        await Assert.ThrowsAsync<JournalUnavailableException>(async () => await journal.AppendAsync(default));
        await Assert.ThrowsAsync<JournalUnavailableException>(async () => await journal.AppendAsync(new byte[1024 * 1024 + 1]));
        journal.Dispose();
        await Assert.ThrowsAsync<JournalUnavailableException>(async () => await Append(journal, "late"));
    }

    [Fact]
    public void A_folder_has_one_owner_at_a_time()
    {
        using (Open())
        {
            Assert.Throws<JournalUnavailableException>(() => Open());
        }

        Open().Dispose();
    }

    [Fact]
    public void A_folder_that_cannot_be_used_is_refused()
    {
        File.WriteAllText(Folder, "a file, not a folder");
        Assert.Throws<JournalUnavailableException>(() => Open());
    }

    [Fact]
    public async Task Spool_files_are_taken_in_and_their_bad_lines_kept_aside()
    {
        Directory.CreateDirectory(Folder);
        var spool = Path.Combine(Folder, "pending-1-2.ndjson");
        await File.WriteAllTextAsync(spool, "{\"id\":\"a\"}\n\nnot json\n[1]\n{\"id\":\"b\"} trailing\n{\"id\":\"c\"}");
        using var journal = Open();
        Assert.Equal(2, await journal.DrainSpoolAsync(CancellationToken.None));
        Assert.False(File.Exists(spool));
        Assert.Equal("not json\n[1]\n{\"id\":\"b\"} trailing\n", await File.ReadAllTextAsync(spool + ".bad"));
        Assert.Equal(3, journal.Figures.BadSpoolLines);
        Assert.Equal(["{\"id\":\"a\"}", "{\"id\":\"c\"}"], await ReadAll(journal));
    }

    [Fact]
    public async Task A_large_backlog_is_read_in_bounded_chunks()
    {
        using var journal = Open(JournalFsync.Interval, segmentBytes: 3_000_000);
        var record = new string('x', 300_000);
        for (var i = 0; i < 30; i++) await Append(journal, record);
        var read = 0;
        while (journal.Read(1000) is { } batch)
        {
            Assert.InRange(batch.Records.Sum(item => item.Length), 1, 1_100_000);
            read += batch.Records.Count;
            await journal.AcknowledgeAsync(batch.End);
        }

        Assert.Equal(30, read);
        Assert.Single(SegmentFiles());
    }

    [Fact]
    public async Task What_was_read_stays_what_it_is_until_it_is_acknowledged()
    {
        using var journal = Open(JournalFsync.Interval);
        for (var i = 0; i < 6; i++) await Append(journal, $"event {i}");
        var first = journal.Read(2)!;
        var second = journal.Read(2)!;
        await journal.AcknowledgeAsync(first.End);
        var third = journal.Read(2)!;
        Assert.Equal(["event 2", "event 3"], second.Records.Select(record => Encoding.UTF8.GetString(record.Span)));
        Assert.Equal(["event 4", "event 5"], third.Records.Select(record => Encoding.UTF8.GetString(record.Span)));
    }

    [Fact]
    public async Task A_batch_lies_in_the_memory_of_the_one_before_it()
    {
        using var journal = Open(JournalFsync.Interval);
        for (var i = 0; i < 1000; i++) await Append(journal, new string('x', 500));
        await journal.AcknowledgeAsync(journal.Read(100)!.End);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 9; i++) await journal.AcknowledgeAsync(journal.Read(100)!.End);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        Assert.Equal(0, journal.Figures.PendingRecords);
    }

    [Fact]
    public async Task The_oldest_age_is_that_of_the_oldest_pending_record()
    {
        var clock = new ManualClock();
        using var journal = Journal.Open(Folder, new JournalOptions { Fsync = JournalFsync.Interval, Clock = clock });
        Assert.Equal(TimeSpan.Zero, journal.Figures.OldestAge);
        await Append(journal, "one");
        clock.Advance(TimeSpan.FromSeconds(10));
        await Append(journal, "two");
        Assert.Equal(TimeSpan.FromSeconds(10), journal.Figures.OldestAge);
        await journal.AcknowledgeAsync(journal.Read(1)!.End);
        Assert.Equal(TimeSpan.Zero, journal.Figures.OldestAge);
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(TimeSpan.FromSeconds(3), journal.Figures.OldestAge);
    }

    // Far more work than there are threads, however many that is here: most of it still waits when this returns.
    private static void CrowdThePool(TimeSpan each)
    {
        var items = 20 * Math.Max(Environment.ProcessorCount, ThreadPool.ThreadCount);
        for (var i = 0; i < items; i++) ThreadPool.UnsafeQueueUserWorkItem(Thread.Sleep, each, preferLocal: false);
    }

    private static ValueTask Append(Journal journal, string text) => journal.AppendAsync(Encoding.UTF8.GetBytes(text));

    private static async Task<List<string>> ReadAll(Journal journal)
    {
        var records = new List<string>();
        while (journal.Read(7) is { } batch)
        {
            records.AddRange(batch.Records.Select(record => Encoding.UTF8.GetString(record.Span)));
            await journal.AcknowledgeAsync(batch.End);
        }

        return records;
    }

    private async Task Write(params string[] records)
    {
        using var journal = Open();
        foreach (var record in records) await Append(journal, record);
    }

    private Journal Open(JournalFsync fsync = JournalFsync.Always, long segmentBytes = 16 * 1024 * 1024, int maxRecordBytes = 1024 * 1024) =>
        Journal.Open(Folder, new JournalOptions { Fsync = fsync, SegmentBytes = segmentBytes, MaxRecordBytes = maxRecordBytes });

    private string[] SegmentFiles() => [.. Directory.GetFiles(Folder, "segment-*.journal").Order()];

    private sealed class ManualClock : TimeProvider
    {
        private DateTimeOffset now = new(2026, 7, 12, 10, 0, 0, TimeSpan.Zero);

        public void Advance(TimeSpan by) => now += by;

        public override DateTimeOffset GetUtcNow() => now;
    }
}
