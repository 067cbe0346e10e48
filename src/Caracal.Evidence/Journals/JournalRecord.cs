using System.Buffers.Binary;
using System.Numerics;

namespace Caracal.Evidence.Journals;

// One record: payload length u32, CRC32C u32 over length and payload, payload; little-endian.
internal static class JournalRecord
{
    public const int HeaderSize = 8;

    /// <summary>What a record on disk may have, whatever is appended today: a setting that was lowered must not damage what was answered.</summary>
    public const int LargestPayload = 64 * 1024 * 1024;

    public static void WriteHeader(Span<byte> target, ReadOnlySpan<byte> payload)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, (uint)payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Checksum(payload));
    }

    public static bool IsIntact(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload) =>
        BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) == Checksum(payload);

    public static uint LengthOf(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadUInt32LittleEndian(header);

    // The length seeds the sum, so a flipped length bit does not pass for a shorter record.
    private static uint Checksum(ReadOnlySpan<byte> payload)
    {
        var crc = BitOperations.Crc32C(uint.MaxValue, (uint)payload.Length);
        while (payload.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(payload));
            payload = payload[sizeof(ulong)..];
        }

        foreach (var value in payload) crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }
}
