using Microsoft.Win32.SafeHandles;

namespace Caracal.Evidence.Journals;

// What one segment file holds after a start.
internal readonly record struct SegmentScan(long ValidEnd, long Records, long PayloadBytes, bool TornTail, bool Damaged)
{
    /// <summary>Walks a segment from an offset. Intact records are handed to the visitor.</summary>
    /// <remarks>
    /// A record cut short by the end of the file is a torn tail; a bad record with more after it is damage, and so is a length
    /// that reaches beyond the file and that nobody appends.
    /// </remarks>
    public static SegmentScan Of(string path, long from, int appendedBytes, Action<ReadOnlyMemory<byte>>? visit = null)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var length = RandomAccess.GetLength(file);
        var header = new byte[JournalRecord.HeaderSize];
        var payload = new byte[64 * 1024];
        long at = Math.Min(from, length), validEnd = at, records = 0, bytes = 0;
        var damaged = false;
        while (length - at >= JournalRecord.HeaderSize)
        {
            if (!TryReadExactly(file, header, at)) break;
            long size = JournalRecord.LengthOf(header);
            var end = at + JournalRecord.HeaderSize + size;
            if (size == 0 || size > JournalRecord.LargestPayload || (end > length && size > appendedBytes))
            {
                damaged |= !IsZeroFrom(file, at, length);
                break;
            }

            if (end > length) break;
            if (payload.Length < size) payload = new byte[size];
            var body = payload.AsMemory(0, (int)size);
            if (!TryReadExactly(file, body.Span, at + JournalRecord.HeaderSize)) break;
            if (JournalRecord.IsIntact(header, body.Span))
            {
                visit?.Invoke(body);
                records++;
                bytes += size;
                if (!damaged) validEnd = end;
            }
            else if (end == length || IsZeroFrom(file, at + JournalRecord.HeaderSize, length))
            {
                break; // The file grew before its last bytes arrived: a torn tail after a power cut.
            }
            else
            {
                damaged = true; // Its length may still be right: go on behind it.
            }

            at = end;
        }

        return new SegmentScan(validEnd, records, bytes, !damaged && validEnd < length, damaged);
    }

    public static bool TryReadExactly(SafeFileHandle file, Span<byte> target, long offset)
    {
        while (!target.IsEmpty)
        {
            var read = RandomAccess.Read(file, target, offset);
            if (read == 0) return false;
            target = target[read..];
            offset += read;
        }

        return true;
    }

    private static bool IsZeroFrom(SafeFileHandle file, long offset, long length)
    {
        Span<byte> block = stackalloc byte[4096];
        while (offset < length)
        {
            var read = RandomAccess.Read(file, block, offset);
            if (read == 0) return true;
            if (block[..read].ContainsAnyExcept((byte)0)) return false;
            offset += read;
        }

        return true;
    }
}
