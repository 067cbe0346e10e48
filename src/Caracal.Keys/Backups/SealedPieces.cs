using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Caracal.Keys.Backups;

// What both directions share: the key is used once, so the place of a piece is its nonce.
internal sealed class PieceCipher(ReadOnlySpan<byte> key, byte[] headerHash) : IDisposable
{
    private readonly ChaCha20Poly1305 _cipher = new(key);
    private readonly byte[] _nonce = new byte[12];
    private readonly byte[] _bound = [.. headerHash, .. new byte[9]];
    private ulong _place;

    public void Seal(ReadOnlySpan<byte> plain, Span<byte> cipher, Span<byte> tag, bool last)
    {
        Next(last);
        _cipher.Encrypt(_nonce, plain, cipher, tag, _bound);
    }

    public bool Open(ReadOnlySpan<byte> cipher, ReadOnlySpan<byte> tag, Span<byte> plain, bool last)
    {
        Next(last);
        try
        {
            _cipher.Decrypt(_nonce, cipher, tag, plain, _bound);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose() => _cipher.Dispose();

    private void Next(bool last)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_nonce.AsSpan(4), _place);
        BinaryPrimitives.WriteUInt64BigEndian(_bound.AsSpan(_bound.Length - 9), _place);
        _bound[^1] = last ? (byte)1 : (byte)0;
        _place++;
    }
}

/// <summary>Seals what is written in pieces; the last one is written at disposal.</summary>
internal sealed class SealingStream(Stream target, ReadOnlySpan<byte> key, byte[] headerHash) : ForwardStream
{
    private readonly PieceCipher _cipher = new(key, headerHash);
    private readonly byte[] _plain = new byte[SealedArchive.PieceSize];
    private readonly byte[] _sealed = new byte[4 + SealedArchive.PieceSize + SealedArchive.TagSize];
    private int _filled;
    private bool _ended;

    public override bool CanWrite => true;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            // A full piece waits until more comes: only then it is known not to be the last.
            if (_filled == _plain.Length) Emit(last: false);
            var take = Math.Min(buffer.Length, _plain.Length - _filled);
            buffer[..take].CopyTo(_plain.AsSpan(_filled));
            _filled += take;
            buffer = buffer[take..];
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_ended)
        {
            _ended = true;
            Emit(last: true);
            CryptographicOperations.ZeroMemory(_plain);
            _cipher.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Emit(bool last)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_sealed, (uint)_filled | (last ? SealedArchive.LastPiece : 0));
        _cipher.Seal(_plain.AsSpan(0, _filled), _sealed.AsSpan(4, _filled), _sealed.AsSpan(4 + _filled, SealedArchive.TagSize), last);
        target.Write(_sealed.AsSpan(0, 4 + _filled + SealedArchive.TagSize));
        _filled = 0;
    }
}

/// <summary>Opens pieces as they are read; a changed, missing or moved one ends the reading.</summary>
internal sealed class OpeningStream(Stream source, ReadOnlySpan<byte> key, byte[] headerHash) : ForwardStream
{
    private readonly PieceCipher _cipher = new(key, headerHash);
    private readonly byte[] _sealed = new byte[SealedArchive.PieceSize + SealedArchive.TagSize];
    private readonly byte[] _plain = new byte[SealedArchive.PieceSize];
    private int _filled;
    private int _taken;
    private bool _last;

    public override bool CanRead => true;

    public override int Read(Span<byte> buffer)
    {
        while (_taken == _filled)
        {
            if (_last) return 0;
            Fill();
        }

        var take = Math.Min(buffer.Length, _filled - _taken);
        _plain.AsSpan(_taken, take).CopyTo(buffer);
        _taken += take;
        return take;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            CryptographicOperations.ZeroMemory(_plain);
            _cipher.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Fill()
    {
        Span<byte> head = stackalloc byte[4];
        try
        {
            source.ReadExactly(head);
            var word = BinaryPrimitives.ReadUInt32BigEndian(head);
            _last = (word & SealedArchive.LastPiece) != 0;
            var length = word & ~SealedArchive.LastPiece;
            if (length > SealedArchive.PieceSize) throw new SealedArchiveException("the archive is damaged");
            _filled = (int)length;
            source.ReadExactly(_sealed.AsSpan(0, _filled + SealedArchive.TagSize));
        }
        catch (EndOfStreamException)
        {
            throw new SealedArchiveException("the archive is cut off");
        }

        _taken = 0;
        if (!_cipher.Open(_sealed.AsSpan(0, _filled), _sealed.AsSpan(_filled, SealedArchive.TagSize), _plain.AsSpan(0, _filled), _last))
        {
            throw new SealedArchiveException("the archive was changed, or is damaged");
        }
    }
}

/// <summary>A stream in one direction.</summary>
internal abstract class ForwardStream : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush()
    {
        // What is not a whole piece waits for more.
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
