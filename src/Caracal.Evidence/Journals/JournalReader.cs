namespace Caracal.Evidence.Journals;

// Reads from the oldest unshipped record and trims what was acknowledged. One consumer at a time.
internal sealed class JournalReader(
    JournalDirectory directory, SegmentIndex index, AcknowledgedMark mark, JournalPosition start)
{
    private const int MaxChunkBytes = 1024 * 1024;

    private readonly Queue<Outstanding> outstanding = new();
    private byte[] buffer = [];
    private JournalPosition position = start;
    private JournalPosition acknowledged = start;
    private long damagedSegments;
    private long lastDamaged = -1;

    public JournalPosition Acknowledged
    {
        get
        {
            lock (outstanding) return acknowledged;
        }
    }

    public long DamagedSegments => Interlocked.Read(ref damagedSegments);

    public Task WaitAsync() => index.WaitAsync(position);

    /// <summary>Up to <paramref name="max"/> records; null when there is none to read now.</summary>
    public JournalBatch? Read(int max)
    {
        while (index.NextUnread(position) is { } unread)
        {
            var records = ReadSegment(unread.Number, unread.From, unread.End, max, out var next);
            position = new JournalPosition(unread.Number, next);
            if (records.Count == 0) continue;
            lock (outstanding) outstanding.Enqueue(new Outstanding(position, records.Count, records.Sum(record => (long)record.Length)));
            return new JournalBatch(records, position);
        }

        // Only damage was left to read: acknowledge it, or its segment would stay forever.
        lock (outstanding)
        {
            if (outstanding.Count > 0 || position <= acknowledged) return null;
        }

        Acknowledge(position);
        return null;
    }

    public void Acknowledge(JournalPosition upTo)
    {
        List<(long Number, bool Damaged)> spent = [];
        try
        {
            lock (outstanding)
            {
                if (upTo <= acknowledged) return;
                long records = 0, bytes = 0;
                while (outstanding.TryPeek(out var batch) && batch.End <= upTo)
                {
                    outstanding.Dequeue();
                    records += batch.Records;
                    bytes += batch.Bytes;
                }

                acknowledged = upTo;
                spent = index.Settle(upTo, records, bytes);
                mark.Write(upTo);
            }
        }
        finally
        {
            // Also without the mark, whose loss costs duplicates: on a full disk nothing else makes room.
            Remove(spent);
        }
    }

    private void Remove(List<(long Number, bool Damaged)> spent)
    {
        foreach (var (number, damaged) in spent)
        {
            if (damaged) directory.KeepAside(number);
            else File.Delete(directory.SegmentPath(number));
        }
    }

    private List<ReadOnlyMemory<byte>> ReadSegment(long number, long from, long end, int max, out long next, int chunkBytes = MaxChunkBytes)
    {
        var chunk = Chunk((int)Math.Min(end - from, chunkBytes));
        using (var file = File.OpenHandle(directory.SegmentPath(number), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
        {
            if (!SegmentScan.TryReadExactly(file, chunk.Span, from)) return Damage(number, end, out next);
        }

        var records = new List<ReadOnlyMemory<byte>>(Math.Min(max, 64));
        var at = 0;
        while (records.Count < max && chunk.Length - at >= JournalRecord.HeaderSize)
        {
            var header = chunk.Span.Slice(at, JournalRecord.HeaderSize);
            long size = JournalRecord.LengthOf(header);
            if (size == 0 || size > JournalRecord.LargestPayload || size > end - from - at - JournalRecord.HeaderSize)
            {
                Damage(number, end, out next);
                return records;
            }

            if (at + JournalRecord.HeaderSize + size > chunk.Length)
            {
                if (at > 0) break; // The rest is in the next chunk.
                return ReadSegment(number, from, end, max, out next, JournalRecord.HeaderSize + (int)size);
            }

            var payload = chunk.Slice(at + JournalRecord.HeaderSize, (int)size);
            if (JournalRecord.IsIntact(header, payload.Span)) records.Add(payload);
            else Damage(number, end, out _);
            at += JournalRecord.HeaderSize + (int)size;
        }

        next = from + at;
        if (at == 0 && records.Count == 0 && from + chunk.Length == end) Damage(number, end, out next);
        return records;
    }

    // The same memory again when nobody holds a batch that lies in it: arrays of this size are collected late, and dearly.
    private Memory<byte> Chunk(int size)
    {
        lock (outstanding)
        {
            if (outstanding.Count > 0) return new byte[size];
        }

        if (size > MaxChunkBytes) return new byte[size]; // Rare, and too much to keep.
        if (buffer.Length < size) buffer = new byte[size];
        return buffer.AsMemory(0, size);
    }

    private List<ReadOnlyMemory<byte>> Damage(long number, long end, out long next)
    {
        if (lastDamaged != number)
        {
            lastDamaged = number;
            Interlocked.Increment(ref damagedSegments);
            index.MarkDamaged(number);
        }

        next = end;
        return [];
    }

    private readonly record struct Outstanding(JournalPosition End, int Records, long Bytes);
}
