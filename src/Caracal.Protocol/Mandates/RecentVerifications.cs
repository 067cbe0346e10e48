using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Caracal.Protocol.Mandates;

/// <summary>
/// The last tokens whose signature held under one key, by 128 bits of SHA-256 over everything the signature check looks
/// at. Only successes are kept, so a lookup can never say yes to what the key would refuse.
/// </summary>
internal sealed class RecentVerifications
{
    private const int Slots = 1_024;

    private readonly Entry?[] _entries = new Entry?[Slots];

    public static UInt128 Digest(MandateToken token) => BinaryPrimitives.ReadUInt128LittleEndian(token.Digest);

    public static UInt128 Digest(ReadOnlySpan<byte> token)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(token, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    public bool Contains(UInt128 digest) => Volatile.Read(ref _entries[Slot(digest)]) is { } entry && entry.Digest == digest;

    public void Add(UInt128 digest) => Volatile.Write(ref _entries[Slot(digest)], new Entry(digest));

    private static int Slot(UInt128 digest) => (int)(ulong)digest & (Slots - 1);

    // A class, so that a reader sees all of a digest or none of it.
    private sealed record Entry(UInt128 Digest);
}
