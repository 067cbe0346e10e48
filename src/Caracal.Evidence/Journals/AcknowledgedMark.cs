using System.Buffers.Binary;

namespace Caracal.Evidence.Journals;

// The acknowledged position, rewritten in place: one small aligned write. Losing it costs duplicates, which ingest absorbs.
internal sealed class AcknowledgedMark : IDisposable
{
    private const int PositionSize = 16;
    private readonly FileStream file;

    public AcknowledgedMark(JournalDirectory directory)
    {
        file = JournalDirectory.OpenOwnerOnly(Path.Combine(directory.Path, "acknowledged"), FileMode.OpenOrCreate, FileShare.Read);
    }

    public JournalPosition Read()
    {
        Span<byte> record = stackalloc byte[JournalRecord.HeaderSize + PositionSize];
        if (!SegmentScan.TryReadExactly(file.SafeFileHandle, record, 0)) return default;
        var position = record[JournalRecord.HeaderSize..];
        if (JournalRecord.LengthOf(record) != PositionSize || !JournalRecord.IsIntact(record, position)) return default;
        return new JournalPosition(BinaryPrimitives.ReadInt64LittleEndian(position), BinaryPrimitives.ReadInt64LittleEndian(position[8..]));
    }

    public void Write(JournalPosition acknowledged)
    {
        Span<byte> record = stackalloc byte[JournalRecord.HeaderSize + PositionSize];
        var position = record[JournalRecord.HeaderSize..];
        BinaryPrimitives.WriteInt64LittleEndian(position, acknowledged.Segment);
        BinaryPrimitives.WriteInt64LittleEndian(position[8..], acknowledged.Offset);
        JournalRecord.WriteHeader(record, position);
        RandomAccess.Write(file.SafeFileHandle, record, 0);
    }

    public void Dispose() => file.Dispose();
}
