using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Caracal.Protocol;

/// <summary>Identifiers on the wire: lower-case UUIDv7 text that we make, opaque text that we accept (coordinator.md 2, api.md 1).</summary>
public static class Ids
{
    private const int UuidSize = 16;
    private const int TimeSize = 6;

    // Random bytes for many ids: drawing them one id at a time is a system call for each.
    [ThreadStatic]
    private static byte[]? drawn;

    [ThreadStatic]
    private static int left;

    /// <summary>A new UUIDv7; ids made later sort later.</summary>
    public static string New()
    {
        Span<byte> id = stackalloc byte[UuidSize];
        FillRandom(id[TimeSize..]);
        return WithTime(id, version: 7);
    }

    /// <summary>A random UUIDv4, for ids that act as a capability.</summary>
    public static string NewRandom() => Guid.NewGuid().ToString();

    /// <summary>
    /// A UUID that only names a request: unique, but not meant to be unguessable. It leads with the time, so that whoever
    /// indexes many of them writes at the index's end instead of all over it.
    /// </summary>
    /// <param name="version">The version it shows: 7, or 4 where that is the wire's word.</param>
    public static string NewCorrelation(int version = 7)
    {
        Span<byte> id = stackalloc byte[UuidSize];
        Random.Shared.NextBytes(id[TimeSize..]);
        return WithTime(id, version);
    }

    /// <summary>True for <c>^[A-Za-z0-9_.\-:]{1,128}$</c>, the form every id in a path must have.</summary>
    public static bool IsPathId(ReadOnlySpan<char> id)
    {
        if (id.Length is 0 or > 128)
        {
            return false;
        }

        foreach (var c in id)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '-' or ':'))
            {
                return false;
            }
        }

        return true;
    }

    private static string WithTime(Span<byte> id, int version)
    {
        var milliseconds = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        BinaryPrimitives.WriteInt32BigEndian(id, (int)(milliseconds >> 16));
        BinaryPrimitives.WriteInt16BigEndian(id[sizeof(int)..], (short)milliseconds);
        id[6] = (byte)((id[6] & 0x0F) | (version << 4));
        id[8] = (byte)((id[8] & 0x3F) | 0x80);
        return new Guid(id, bigEndian: true).ToString();
    }

    private static void FillRandom(Span<byte> bytes)
    {
        drawn ??= new byte[1024];
        if (left < bytes.Length)
        {
            RandomNumberGenerator.Fill(drawn);
            left = drawn.Length;
        }

        left -= bytes.Length;
        drawn.AsSpan(left, bytes.Length).CopyTo(bytes);
    }
}
