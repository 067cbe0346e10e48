using System.Buffers.Binary;

namespace Caracal.Gateway.WebSockets;

/// <summary>
/// Follows the frames of RFC 6455 5.2 as their bytes go by, so that a close frame of ours is put between two frames and
/// never into one.
/// </summary>
internal struct FrameBoundary
{
    private const int LargestHeader = 14;

    private HeaderBytes _header;
    private int _headerLength;
    private ulong _payload;

    /// <summary>True when what went by ends with a whole frame.</summary>
    public readonly bool IsBetweenFrames => _headerLength == 0 && _payload == 0;

    /// <summary>Takes note of bytes on their way.</summary>
    public void Pass(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_payload > 0)
            {
                var passed = (int)Math.Min(_payload, (ulong)bytes.Length);
                _payload -= (ulong)passed;
                bytes = bytes[passed..];
                continue;
            }

            _header[_headerLength++] = bytes[0];
            bytes = bytes[1..];
            if (_headerLength >= 2 && _headerLength == HeaderSize())
            {
                _payload = PayloadSize();
                _headerLength = 0;
            }
        }
    }

    private readonly int HeaderSize() => 2 + ExtendedSize() + ((_header[1] & 0x80) != 0 ? 4 : 0);

    private readonly int ExtendedSize() => (_header[1] & 0x7F) switch
    {
        126 => 2,
        127 => 8,
        _ => 0,
    };

    private readonly ulong PayloadSize()
    {
        ReadOnlySpan<byte> header = _header;
        return ExtendedSize() switch
        {
            2 => BinaryPrimitives.ReadUInt16BigEndian(header[2..]),
            8 => BinaryPrimitives.ReadUInt64BigEndian(header[2..]),
            _ => (ulong)(_header[1] & 0x7F),
        };
    }

    [System.Runtime.CompilerServices.InlineArray(LargestHeader)]
    private struct HeaderBytes
    {
        private byte _first;
    }
}
