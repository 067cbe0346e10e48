using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Caracal.Protocol.Mandates;

namespace Caracal.Coordinator.Authentication;

/// <summary>
/// Remembers which signatures were good: a lifecycle token comes with every heartbeat, and checking ES256 is the dearest
/// part of a request. Only the signature is remembered, under the key object that verified it; every claim, the key's
/// presence and the identity behind it are looked at each time. Tokens themselves are not kept, only their digests.
/// </summary>
internal sealed class VerifiedTokens
{
    private const int Capacity = 10_000;
    private readonly ConcurrentDictionary<Digest, EcPublicKey> _good = new();

    /// <summary>True when the key signed the token, now or at an earlier call.</summary>
    public bool Verify(string token, MandateToken mandate, EcPublicKey key)
    {
        var digest = Digest.Of(token);
        if (_good.TryGetValue(digest, out var known) && ReferenceEquals(known, key))
        {
            return true;
        }

        if (!key.Verify(mandate))
        {
            return false;
        }

        if (_good.Count >= Capacity)
        {
            _good.Clear();
        }

        _good[digest] = key;
        return true;
    }

    private readonly record struct Digest(Int128 High, Int128 Low)
    {
        public static Digest Of(string token)
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(Encoding.UTF8.GetBytes(token), hash);
            return new Digest(MemoryMarshal.Read<Int128>(hash), MemoryMarshal.Read<Int128>(hash[16..]));
        }
    }
}
