using System.Collections.Immutable;
using System.Security.Cryptography;
using Caracal.Keys.Signatures;
using Caracal.Protocol.Mandates;
using Caracal.Sts.TokenExchange;

namespace Caracal.Sts.Jwks;

/// <summary>A zone signing key, opened.</summary>
internal sealed record OpenedKey(string KeyId, string State, DateTimeOffset? ActivatesAt, SigningKey Private, EcPublicKey Public)
{
    /// <summary>The protected header of its mandates.</summary>
    public byte[] Header { get; } = MandateSigner.Header(KeyId);
}

/// <summary>A zone's keys at one version: what signs and what is published (operations.md 4.6.2). Immutable.</summary>
internal sealed class ZoneKeySet
{
    /// <summary>How many keys JWKS lists, newest first, whatever their age.</summary>
    private const int PublishedKeys = 2;

    /// <param name="keys">Every key that opened and is not retired or compromised, newest first.</param>
    /// <param name="unreadable">How many rows did not open.</param>
    public ZoneKeySet(ImmutableArray<OpenedKey> keys, int unreadable)
    {
        All = keys;
        Unreadable = unreadable;
        Published = new JsonWebKeySet(keys.Take(PublishedKeys).Select(key => key.Public));
        Json = Published.ToUtf8Json();
        ETag = $"\"{Convert.ToHexStringLower(SHA256.HashData(Json).AsSpan(0, 16))}\"";
    }

    public ImmutableArray<OpenedKey> All { get; }
    public int Unreadable { get; }

    /// <summary>What verifies.</summary>
    public JsonWebKeySet Published { get; }

    /// <summary>The JWKS document.</summary>
    public byte[] Json { get; }

    /// <summary>Names the document's bytes.</summary>
    public string ETag { get; }

    /// <summary>The key that signs: a <c>next</c> whose time has come, else the active one; null when there is none.</summary>
    public OpenedKey? SignerAt(DateTimeOffset now)
    {
        foreach (var key in All)
        {
            if (key.State == "active" || (key.State == "next" && key.ActivatesAt <= now))
            {
                return key;
            }
        }

        return null;
    }
}
