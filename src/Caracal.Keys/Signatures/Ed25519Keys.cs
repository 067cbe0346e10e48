using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Caracal.Keys.Signatures;

/// <summary>Ed25519 (RFC 8032), which the signed notes of transparency logs use and .NET does not offer.</summary>
public static class Ed25519Keys
{
    /// <summary>Bytes of a private seed and of a public key.</summary>
    public const int KeySize = 32;

    /// <summary>Bytes of a signature.</summary>
    public const int SignatureSize = 64;

    /// <summary>The public key of a 32-byte seed.</summary>
    public static byte[] PublicKey(byte[] seed)
    {
        var key = new byte[KeySize];
        Ed25519.GeneratePublicKey(seed, 0, key, 0);
        return key;
    }

    public static byte[] Sign(byte[] seed, byte[] message)
    {
        var signature = new byte[SignatureSize];
        Ed25519.Sign(seed, 0, message, 0, message.Length, signature, 0);
        return signature;
    }

    /// <summary>False for a wrong signature and for anything that is not a key or a signature.</summary>
    public static bool Verify(byte[] publicKey, byte[] message, byte[] signature) =>
        publicKey.Length == KeySize && signature.Length == SignatureSize
        && Ed25519.ValidatePublicKeyFull(publicKey, 0)
        && Ed25519.Verify(signature, 0, publicKey, 0, message, 0, message.Length);
}
