namespace Caracal.Evidence.Journals;

/// <summary>A crash-safe queue of records in segment files: what was appended survives the process (audit.md 12).</summary>
/// <remarks>Many may append at once; one consumer reads and acknowledges. One process owns a folder at a time.</remarks>
public sealed class Journal : IDisposable
{
    private readonly JournalDirectory directory;
    private readonly SegmentIndex index;
    private readonly AcknowledgedMark mark;
    private readonly JournalWriter writer;
    private readonly JournalReader reader;
    private readonly SpoolFiles spool;

    private Journal(JournalDirectory directory, JournalOptions options)
    {
        this.directory = directory;
        index = new SegmentIndex(options.Clock);
        mark = new AcknowledgedMark(directory);
        var acknowledged = mark.Read();
        var last = Recover(acknowledged, options);
        reader = new JournalReader(directory, index, mark, acknowledged);
        writer = new JournalWriter(directory, index, options, Math.Max(last, acknowledged.Segment));
        spool = new SpoolFiles(directory.Path, writer.MaxRecordBytes);
    }

    /// <summary>Bytes that an fsync could not secure; latched until restart, and until then every record that must be synced is refused.</summary>
    public bool SyncFailed => writer.SyncFailed;

    /// <summary>Everything appended so far lies before this position.</summary>
    public JournalPosition End => index.End;

    public JournalPosition Acknowledged => reader.Acknowledged;

    public JournalFigures Figures
    {
        get
        {
            var (records, bytes, segments, age) = index.Figures();
            return new JournalFigures(records, bytes, segments, age, reader.DamagedSegments, spool.BadLines);
        }
    }

    /// <summary>Opens a folder, creating it 0700, and takes up what an earlier process left.</summary>
    /// <exception cref="JournalUnavailableException">The folder cannot be used, or another process uses it.</exception>
    public static Journal Open(string path, JournalOptions? options = null)
    {
        JournalDirectory? owned = null;
        try
        {
            owned = new JournalDirectory(path);
            return new Journal(owned, options ?? new JournalOptions());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            owned?.Dispose();
            throw new JournalUnavailableException($"the journal folder {path} cannot be used", exception);
        }
    }

    /// <summary>Keeps a record; the bytes are copied before the call returns, the task ends when they are safe.</summary>
    /// <exception cref="JournalUnavailableException">The record is not kept.</exception>
    public ValueTask AppendAsync(ReadOnlyMemory<byte> record) => writer.AppendAsync(record.Span);

    /// <summary>Ends when there is something to read.</summary>
    public Task WaitAsync(CancellationToken ct) => reader.WaitAsync().WaitAsync(ct);

    /// <summary>The oldest records not read yet; null when there is none.</summary>
    public JournalBatch? Read(int max) => reader.Read(max);

    /// <summary>Waits for records and reads them.</summary>
    public async ValueTask<JournalBatch> ReadAsync(int max, CancellationToken ct)
    {
        while (true)
        {
            if (Read(max) is { } batch) return batch;
            await WaitAsync(ct);
        }
    }

    /// <summary>Forgets everything before the position: whole segments are deleted, the position is persisted.</summary>
    public ValueTask AcknowledgeAsync(JournalPosition position)
    {
        reader.Acknowledge(position);
        return ValueTask.CompletedTask;
    }

    /// <summary>Takes up the events of <c>*.ndjson</c> files found in the folder; returns how many (audit.md 12).</summary>
    public Task<int> DrainSpoolAsync(CancellationToken ct) => spool.DrainAsync(this, ct);

    /// <summary>Everything appended so far is on disk when the task ends.</summary>
    public Task SyncAsync() => writer.SyncAsync();

    /// <summary>Whether the folder can be written now (<c>audit_replay_unavailable</c> when not).</summary>
    public bool Probe() => directory.Probe();

    public void Dispose()
    {
        writer.Dispose();
        mark.Dispose();
        directory.Dispose();
    }

    private long Recover(JournalPosition acknowledged, JournalOptions options)
    {
        var numbers = directory.SegmentNumbers();
        foreach (var number in numbers)
        {
            var path = directory.SegmentPath(number);
            if (number < acknowledged.Segment)
            {
                File.Delete(path); // Acknowledged, but the process died before it was deleted.
                continue;
            }

            var from = number == acknowledged.Segment ? acknowledged.Offset : 0;
            var scan = SegmentScan.Of(path, from, options.MaxRecordBytes);
            var isLast = number == numbers[^1];
            var length = new FileInfo(path).Length;
            var end = length;
            if (scan.TornTail && isLast)
            {
                Cut(path, scan.ValidEnd);
                end = scan.ValidEnd;
            }

            var since = new DateTimeOffset(File.GetLastWriteTimeUtc(path), TimeSpan.Zero);
            index.Add(number, end, closed: true, damaged: scan.Damaged);
            index.Recovered(new JournalPosition(number, end), scan.Records, scan.PayloadBytes, since);
        }

        return numbers.Count == 0 ? 0 : numbers[^1];
    }

    private static void Cut(string path, long length)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.SetLength(file, length);
        RandomAccess.FlushToDisk(file);
    }
}
