using System.Buffers;
using System.Text;

namespace Caracal.Evidence.Canonical;

// A growing pooled buffer with random access, which IBufferWriter does not give.
internal sealed class ByteBuffer : IDisposable
{
    private readonly int limit;
    private byte[] bytes = ArrayPool<byte>.Shared.Rent(1024);

    public ByteBuffer(int limit = int.MaxValue) => this.limit = limit;

    public int Length { get; private set; }

    public int Capacity => bytes.Length;

    public ReadOnlySpan<byte> Written => bytes.AsSpan(0, Length);

    public void Write(byte value)
    {
        Grow(1);
        bytes[Length++] = value;
    }

    public void Write(ReadOnlySpan<byte> value)
    {
        Grow(value.Length);
        value.CopyTo(bytes.AsSpan(Length));
        Length += value.Length;
    }

    public void WriteUtf8(string value)
    {
        Grow(Encoding.UTF8.GetByteCount(value));
        Length += Encoding.UTF8.GetBytes(value, bytes.AsSpan(Length));
    }

    public void Fill(byte value, int count)
    {
        Grow(count);
        bytes.AsSpan(Length, count).Fill(value);
        Length += count;
    }

    public void Truncate(int length) => Length = length;

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(bytes);
        bytes = [];
        Length = 0;
    }

    private void Grow(int more)
    {
        if (Length + (long)more > limit) throw new CanonicalFormException("the canonical form is too large");
        if (Length + more <= bytes.Length) return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Length + more, bytes.Length * 2));
        Written.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(bytes);
        bytes = larger;
    }
}
