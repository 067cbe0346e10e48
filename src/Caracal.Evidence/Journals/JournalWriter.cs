using Microsoft.Win32.SafeHandles;

namespace Caracal.Evidence.Journals;

// Appends: whoever finds nobody writing writes for everyone who is waiting, in one call. While others wait for a thread, it waits
// behind them: what they append goes into the same call.
internal sealed class JournalWriter : IDisposable
{
    private const int KeptBufferBytes = 256 * 1024;

    /// <summary>Work items without a thread that count as others who wait.</summary>
    private const int Crowd = 2;

    private readonly Lock gate = new();
    private readonly JournalDirectory directory;
    private readonly SegmentIndex index;
    private readonly JournalOptions options;
    private readonly SegmentSync sync;
    private AppendGroup filling = new(new byte[4096]);
    private byte[]? spareBuffer;
    private bool writing;
    private bool closed;

    private FileStream? segment;
    private SafeFileHandle? handle; // The stream seeks whenever it is asked for this.
    private long segmentNumber;
    private long segmentEnd;
    private bool torn;

    public JournalWriter(JournalDirectory directory, SegmentIndex index, JournalOptions options, long lastSegment)
    {
        this.directory = directory;
        this.index = index;
        this.options = options;
        segmentNumber = lastSegment;
        MaxRecordBytes = Math.Min(options.MaxRecordBytes, JournalRecord.LargestPayload);
        sync = new SegmentSync(directory, options);
    }

    public bool SyncFailed => sync.Failed;

    /// <summary>The setting, unless what it allows would not be read again.</summary>
    public int MaxRecordBytes { get; }

    public ValueTask AppendAsync(ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty || payload.Length > MaxRecordBytes)
        {
            throw new JournalUnavailableException($"a journal record must have 1 to {MaxRecordBytes} bytes, got {payload.Length}");
        }

        AppendGroup group;
        Task? completion = null;
        var crowded = ThreadPool.PendingWorkItemCount >= Crowd;
        bool lead;
        lock (gate)
        {
            if (closed) throw new JournalUnavailableException("the journal is closed");
            group = filling;
            group.Add(payload);
            lead = !writing;
            if (!lead || crowded || options.Fsync == JournalFsync.Always) completion = group.Completion;
            if (lead)
            {
                if (!crowded) filling = NewGroup();
                writing = true;
            }
        }

        if (lead && crowded) WriteLater();
        if (!lead || crowded) return new ValueTask(completion!);
        var failure = WriteAndAnswer(group);
        PassOn();
        if (completion is not null) return new ValueTask(completion);
        return failure is null
            ? ValueTask.CompletedTask
            : ValueTask.FromException(new JournalUnavailableException("the journal could not keep the event", failure));
    }

    /// <summary>Everything appended so far is on disk when the task ends.</summary>
    public Task SyncAsync() => sync.RequestAsync();

    public void Dispose()
    {
        lock (gate) closed = true;

        // A write in progress finishes its group first; new ones are refused above.
        SpinWait.SpinUntil(() =>
        {
            lock (gate) return !writing;
        });
        sync.Dispose();
        segment?.Dispose();
    }

    // The next group is written by the thread pool: a leader answers its own request instead of serving others forever.
    private void PassOn()
    {
        lock (gate)
        {
            if (filling.Records == 0)
            {
                writing = false;
                return;
            }
        }

        WriteLater();
    }

    // What is appended until then is written with it.
    private void WriteLater() => ThreadPool.UnsafeQueueUserWorkItem(static writer => writer.WriteNext(), this, preferLocal: false);

    private void WriteNext()
    {
        AppendGroup next;
        lock (gate)
        {
            next = filling;
            filling = NewGroup();
        }

        WriteAndAnswer(next);
        PassOn();
    }

    private Exception? WriteAndAnswer(AppendGroup group)
    {
        Exception? failure = null;
        try
        {
            Write(group);
        }
#pragma warning disable CA1031 // Whatever it was: who waits for this group is told, and the next group has its turn.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failure = exception;
        }

        if (failure is null && options.Fsync == JournalFsync.Always) sync.Enqueue(group);
        else group.Complete(failure);

        if (group.Buffer.Length <= KeptBufferBytes)
        {
            lock (gate) spareBuffer = group.Buffer;
        }

        return failure;
    }

    private void Write(AppendGroup group)
    {
        if (torn) Cut();
        if (segment is null || segmentEnd >= options.SegmentBytes) Roll();
        try
        {
            RandomAccess.Write(handle!, group.Buffer.AsSpan(0, group.Length), segmentEnd);
        }
        catch
        {
            torn = true;
            TryCut();
            throw;
        }

        segmentEnd += group.Length;
        sync.Touch();
        index.Advance(new JournalPosition(segmentNumber, segmentEnd), group.Records, group.PayloadBytes);
    }

    private void Roll()
    {
        var number = segmentNumber + 1;
        var opened = JournalDirectory.OpenOwnerOnly(directory.SegmentPath(number), FileMode.CreateNew, FileShare.ReadWrite | FileShare.Delete);
        sync.Replace(segment, opened);
        index.Close(segmentNumber);
        index.Add(number, 0, closed: false, damaged: false);
        segment = opened;
        handle = opened.SafeFileHandle;
        segmentNumber = number;
        segmentEnd = 0;
    }

    private void TryCut()
    {
        try
        {
            Cut();
        }
#pragma warning disable CA1031 // The next write cuts first, and is refused while it cannot.
        catch
#pragma warning restore CA1031
        {
        }
    }

    // A full disk may have taken a part of what was refused: it must not be found behind what comes next, nor after a restart.
    private void Cut()
    {
        RandomAccess.SetLength(handle!, segmentEnd);
        torn = false;
    }

    private AppendGroup NewGroup()
    {
        var buffer = spareBuffer ?? new byte[4096];
        spareBuffer = null;
        return new AppendGroup(buffer);
    }
}
