namespace Caracal.Evidence.Journals;

/// <summary><c>AUDIT_FSYNC</c>: what a power cut may cost; a killed process costs nothing either way (audit.md 12).</summary>
public enum JournalFsync
{
    /// <summary>An append returns after a grouped fsync. Default in rc and stable.</summary>
    Always,

    /// <summary>An append returns once the bytes are the operating system's; fsync follows within 50 ms. Default in dev.</summary>
    Interval,
}

/// <summary>How a <see cref="Journal"/> keeps its files.</summary>
public sealed record JournalOptions
{
    public JournalFsync Fsync { get; init; } = JournalFsync.Always;

    /// <summary>A segment is closed once it reaches this size, in bytes.</summary>
    public long SegmentBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Largest record that is appended, in bytes (<c>AUDIT_MAX_EVENT_BYTES</c>); larger ones of an earlier setting are read all the same.</summary>
    public int MaxRecordBytes { get; init; } = 1024 * 1024;

    /// <summary>Longest time bytes wait for fsync with <see cref="JournalFsync.Interval"/>.</summary>
    public TimeSpan FsyncInterval { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>A place in the journal: everything before it has been read or acknowledged.</summary>
/// <param name="Segment">Segment number, rising.</param>
/// <param name="Offset">Byte offset inside the segment.</param>
public readonly record struct JournalPosition(long Segment, long Offset) : IComparable<JournalPosition>
{
    public int CompareTo(JournalPosition other) =>
        Segment != other.Segment ? Segment.CompareTo(other.Segment) : Offset.CompareTo(other.Offset);

    public static bool operator <(JournalPosition a, JournalPosition b) => a.CompareTo(b) < 0;

    public static bool operator >(JournalPosition a, JournalPosition b) => a.CompareTo(b) > 0;

    public static bool operator <=(JournalPosition a, JournalPosition b) => a.CompareTo(b) <= 0;

    public static bool operator >=(JournalPosition a, JournalPosition b) => a.CompareTo(b) >= 0;
}

/// <summary>Records read from the journal, oldest first, whose bytes are theirs until <paramref name="End"/> is acknowledged: once all are safe elsewhere.</summary>
public sealed record JournalBatch(IReadOnlyList<ReadOnlyMemory<byte>> Records, JournalPosition End);

/// <summary>What the journal holds and has seen, for metrics and readiness.</summary>
/// <param name="PendingRecords">Appended and not acknowledged.</param>
/// <param name="PendingBytes">Their payload bytes.</param>
/// <param name="Segments">Segment files on disk.</param>
/// <param name="OldestAge">Age of the oldest pending record; zero when there is none.</param>
/// <param name="DamagedSegments">Segments with a bad CRC, kept aside as <c>*.bad</c>.</param>
/// <param name="BadSpoolLines">Lines of <c>*.ndjson</c> files moved to <c>*.bad</c>.</param>
public readonly record struct JournalFigures(
    long PendingRecords, long PendingBytes, int Segments, TimeSpan OldestAge, long DamagedSegments, long BadSpoolLines);

/// <summary>The journal could not keep a record: its caller must not answer as if it had (503).</summary>
public sealed class JournalUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
