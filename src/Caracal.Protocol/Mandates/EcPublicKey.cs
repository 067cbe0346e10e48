using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Caracal.Protocol.Mandates;

/// <summary>A P-256 verification key with its <c>kid</c>, as a zone's JWKS lists it (sts.md 6.2, gateway.md A5).</summary>
public sealed class EcPublicKey
{
    private readonly ConcurrentBag<ECDsa> _idle = [];
    private readonly ECParameters _parameters;
    private readonly RecentVerifications _recent = new();

    private EcPublicKey(string keyId, ECParameters parameters, ECDsa first)
    {
        KeyId = keyId;
        _parameters = parameters;
        _idle.Add(first);
    }

    /// <summary>The key id.</summary>
    public string KeyId { get; }

    /// <summary>The x coordinate, 32 bytes.</summary>
    public ReadOnlyMemory<byte> X => _parameters.Q.X;

    /// <summary>The y coordinate, 32 bytes.</summary>
    public ReadOnlyMemory<byte> Y => _parameters.Q.Y;

    /// <summary>Null unless both coordinates have 32 bytes and the point lies on the curve.</summary>
    public static EcPublicKey? TryCreate(string keyId, ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        if (x.Length != 32 || y.Length != 32 || keyId.Length == 0)
        {
            return null;
        }

        var parameters = new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = x.ToArray(), Y = y.ToArray() },
        };
        try
        {
            return new EcPublicKey(keyId, parameters, ECDsa.Create(parameters));
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>True when <paramref name="token"/> is ES256 under this key. Safe for concurrent callers.</summary>
    /// <remarks>
    /// In one process the Gateway and the STS check the same token within a millisecond; the second check is a lookup.
    /// </remarks>
    public bool Verify(MandateToken token)
    {
        if (token.Algorithm != "ES256" || !string.Equals(token.KeyId, KeyId, StringComparison.Ordinal) || token.Signature.Length != 64)
        {
            return false;
        }

        var digest = RecentVerifications.Digest(token);
        if (_recent.Contains(digest))
        {
            return true;
        }

        if (!Verify(token.SignedBytes.Span, token.Signature.Span))
        {
            return false;
        }

        _recent.Add(digest);
        return true;
    }

    /// <summary>Says that this key's private half has just signed the compact token: who signs need not verify its own work.</summary>
    public void RememberSigned(ReadOnlySpan<byte> token) => _recent.Add(RecentVerifications.Digest(token));

    /// <summary>True when <paramref name="signature"/> (r and s, 64 bytes) signs <paramref name="data"/>.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (!_idle.TryTake(out var key))
        {
            key = ECDsa.Create(_parameters);
        }

        try
        {
            return key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        finally
        {
            _idle.Add(key);
        }
    }
}
