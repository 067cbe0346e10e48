using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Caracal.Streams.Redis.Resp;

/// <summary>Commands on their way to the server, written one after the other into one piece of memory.</summary>
internal sealed class RespBuffer
{
    private const int Usual = 16 * 1024;
    private const int Unusual = 1024 * 1024;

    private byte[] _bytes = new byte[Usual];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    /// <summary>Starts a command of this many parts.</summary>
    public void Begin(int parts) => Header((byte)'*', parts);

    /// <summary>A part that is already UTF-8.</summary>
    public void Part(ReadOnlySpan<byte> utf8)
    {
        Header((byte)'$', utf8.Length);
        utf8.CopyTo(Room(utf8.Length));
        Length += utf8.Length;
        EndOfLine();
    }

    /// <summary>A part of text.</summary>
    public void Part(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        Header((byte)'$', length);
        Length += Encoding.UTF8.GetBytes(text, Room(length));
        EndOfLine();
    }

    /// <summary>A part that is a number.</summary>
    public void Part(long number)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, digits, out var length);
        Part(digits[..length]);
    }

    /// <summary>Takes back everything after <paramref name="length"/>: half a command must never be sent.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Empties it, and gives back what a rare large command has taken.</summary>
    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > Unusual)
        {
            _bytes = new byte[Usual];
        }
    }

    private void Header(byte type, int number)
    {
        var room = Room(1 + 11 + 2);
        room[0] = type;
        Utf8Formatter.TryFormat(number, room[1..], out var digits);
        Length += 1 + digits;
        EndOfLine();
    }

    private void EndOfLine()
    {
        "\r\n"u8.CopyTo(Room(2));
        Length += 2;
    }

    private Span<byte> Room(int length)
    {
        if (_bytes.Length - Length < length)
        {
            var size = (int)Math.Min(Array.MaxLength, Math.Max(_bytes.Length * 2L, (long)Length + length));
            Array.Resize(ref _bytes, size);
        }

        return _bytes.AsSpan(Length);
    }
}
