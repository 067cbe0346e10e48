using System.Runtime.CompilerServices;
using Caracal.Evidence.Journals;

namespace Caracal.Evidence.Tests.Journals;

/// <summary>What a journal answers after its disk has failed it: no later success says that what came before is safe.</summary>
public sealed class JournalFaultTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly string root = Directory.CreateTempSubdirectory("caracal-journal-").FullName;

    private string Folder => Path.Combine(root, "journal");

    private string Elsewhere => Path.Combine(root, "elsewhere");

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public async Task Once_a_sync_has_failed_whoever_waits_for_a_later_one_is_told_so()
    {
        using var directory = new JournalDirectory(Folder);
        using var sync = new SegmentSync(directory, new JournalOptions());
        sync.Replace(null, JournalDirectory.OpenOwnerOnly(directory.SegmentPath(1), FileMode.CreateNew, FileShare.ReadWrite));
        Directory.Move(Folder, Elsewhere); // The name of the new segment cannot be made to last.
        await Assert.ThrowsAsync<JournalUnavailableException>(() => WriteAsync(sync));

        Directory.Move(Elsewhere, Folder);
        await Assert.ThrowsAsync<JournalUnavailableException>(() => WriteAsync(sync));
        await Assert.ThrowsAsync<JournalUnavailableException>(() => sync.RequestAsync().WaitAsync(Patience));
        Assert.True(sync.Failed);
    }

    [Fact]
    public async Task A_spool_file_stays_when_its_events_may_not_survive()
    {
        using var journal = Journal.Open(Folder, new JournalOptions { Fsync = JournalFsync.Interval, FsyncInterval = TimeSpan.FromMinutes(1) });
        await journal.AppendAsync("event"u8.ToArray());
        Directory.Move(Folder, Elsewhere);
        await Assert.ThrowsAsync<JournalUnavailableException>(journal.SyncAsync);

        Directory.Move(Elsewhere, Folder);
        var spool = Path.Combine(Folder, "pending-1-2.ndjson");
        await File.WriteAllTextAsync(spool, "{}\n");
        Assert.Equal(0, await journal.DrainSpoolAsync(CancellationToken.None));
        Assert.True(File.Exists(spool));
        Assert.Equal(1, journal.Figures.PendingRecords); // nor is it taken in again at every round
    }

    [Theory]
    [InlineData(JournalFsync.Always)]
    [InlineData(JournalFsync.Interval)]
    public async Task Whatever_a_write_fails_with_nobody_waits_for_ever(JournalFsync fsync)
    {
        using var directory = new JournalDirectory(Folder);
        var options = new JournalOptions { Fsync = fsync };
        using var writer = new JournalWriter(directory, new SegmentIndex(TimeProvider.System), options, lastSegment: 0);
        await writer.AppendAsync("event"u8);
        await SegmentOf(writer)!.DisposeAsync(); // From here on a write fails with something that is no IOException.
        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<JournalUnavailableException>(() => writer.AppendAsync("event"u8).AsTask().WaitAsync(Patience));
        }
    }

    [Fact]
    public async Task A_journal_that_is_closed_leaves_nobody_waiting_for_a_sync()
    {
        var journal = Journal.Open(Folder);
        journal.Dispose();
        await Assert.ThrowsAsync<JournalUnavailableException>(() => journal.SyncAsync().WaitAsync(Patience));
    }

    [Fact]
    public async Task Segments_go_also_when_it_cannot_be_marked_that_they_may()
    {
        using var journal = Journal.Open(Folder, new JournalOptions { SegmentBytes = 1 });
        for (var i = 0; i < 5; i++) await journal.AppendAsync("event"u8.ToArray());
        MarkOf(journal).Dispose(); // A full disk has no block for a fresh one either.
        while (journal.Read(10) is { } batch)
        {
            await Assert.ThrowsAnyAsync<Exception>(async () => await journal.AcknowledgeAsync(batch.End));
        }

        Assert.Equal((0, 1), (journal.Figures.PendingRecords, journal.Figures.Segments));
        Assert.Single(Directory.GetFiles(Folder, "*.journal"));
    }

    [Fact]
    public async Task A_spool_file_that_cannot_be_read_keeps_no_other_waiting()
    {
        using var journal = Journal.Open(Folder);
        File.CreateSymbolicLink(Path.Combine(Folder, "pending-1-1.ndjson"), Path.Combine(root, "nowhere"));
        using (var large = File.Create(Path.Combine(Folder, "pending-1-2.ndjson"))) large.SetLength(int.MaxValue + 1L);
        var good = Path.Combine(Folder, "pending-1-3.ndjson");
        await File.WriteAllTextAsync(good, "{}\n");
        File.SetLastWriteTimeUtc(good, DateTime.UtcNow.AddHours(1)); // the oldest goes first

        await Assert.ThrowsAnyAsync<IOException>(() => journal.DrainSpoolAsync(CancellationToken.None));
        Assert.Equal(1, journal.Figures.PendingRecords);
        Assert.Equal(2, Directory.GetFiles(Folder, "*.ndjson").Length);
    }

    private static async Task WriteAsync(SegmentSync sync)
    {
        var group = new AppendGroup(new byte[64]);
        group.Add("event"u8);
        sync.Touch();
        var written = group.Completion;
        sync.Enqueue(group);
        await written.WaitAsync(Patience);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "segment")]
    private static extern ref FileStream? SegmentOf(JournalWriter writer);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "mark")]
    private static extern ref AcknowledgedMark MarkOf(Journal journal);
}
