using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Caracal.Protocol.Mandates;

/// <summary>
/// Tokens one key is known to have signed, by the SHA-256 of their bytes. A signature over the same bytes under the same
/// key cannot change its answer, and a governed call meets its mandate three times: where it is signed, at the Gateway
/// and at the exchange. Holds the last few thousand; what is forgotten is verified again.
/// </summary>
internal sealed class VerifiedTokens
{
    private const int Slots = 4096;

    private readonly byte[]?[] _digests = new byte[Slots][];

    public bool Contains(ReadOnlySpan<byte> token)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(token, digest);
        return Volatile.Read(ref _digests[Slot(digest)]) is { } known && digest.SequenceEqual(known);
    }

    public void Add(ReadOnlySpan<byte> token)
    {
        var digest = SHA256.HashData(token);
        Volatile.Write(ref _digests[Slot(digest)], digest);
    }

    private static int Slot(ReadOnlySpan<byte> digest) => BinaryPrimitives.ReadUInt16LittleEndian(digest) % Slots;
}
