using System.Security.Cryptography;

namespace Caracal.Keys.Signatures;

/// <summary>A private key with which a client proves itself to a token endpoint (sts.md 9.2): RSA or an EC key of a NIST curve.</summary>
public sealed class AssertionKey : IDisposable
{
    private readonly RSA? rsa;
    private readonly ECDsa? ec;
    private readonly HashAlgorithmName hash;

    private AssertionKey(string algorithm, RSA? rsa, ECDsa? ec, HashAlgorithmName hash)
    {
        Algorithm = algorithm;
        this.rsa = rsa;
        this.ec = ec;
        this.hash = hash;
    }

    /// <summary>The JWS algorithm that belongs to the key.</summary>
    public string Algorithm { get; }

    /// <summary>Reads a PEM (PKCS#8, PKCS#1 or SEC1); null when it holds no such key or one too small to prove anything.</summary>
    public static AssertionKey? TryRead(ReadOnlySpan<char> pem) => TryReadEc(pem) ?? TryReadRsa(pem);

    /// <summary>The JWS signature of <paramref name="data"/>; EC as r‖s.</summary>
    public byte[] Sign(ReadOnlySpan<byte> data) => rsa is not null
        ? rsa.SignData(data, hash, RSASignaturePadding.Pkcs1)
        : ec!.SignData(data, hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

    public override string ToString() => "***";

    public void Dispose()
    {
        rsa?.Dispose();
        ec?.Dispose();
    }

    private static AssertionKey? TryReadEc(ReadOnlySpan<char> pem)
    {
        var key = ECDsa.Create();
        if (TryImport(key, pem) && key.ExportParameters(false) is { Q.X: not null } parameters
            && Of(parameters.Curve.Oid.Value) is { } curve)
        {
            return new AssertionKey(curve.Algorithm, null, key, curve.Hash);
        }

        key.Dispose();
        return null;
    }

    private static AssertionKey? TryReadRsa(ReadOnlySpan<char> pem)
    {
        var key = RSA.Create();
        if (TryImport(key, pem) && key.KeySize >= 2048)
        {
            return new AssertionKey("RS256", key, null, HashAlgorithmName.SHA256);
        }

        key.Dispose();
        return null;
    }

    // A public key imports as well, but signs nothing.
    private static bool TryImport(AsymmetricAlgorithm key, ReadOnlySpan<char> pem)
    {
        try
        {
            key.ImportFromPem(pem);
            return pem.Contains("PRIVATE KEY", StringComparison.Ordinal);
        }
        catch (Exception fault) when (fault is CryptographicException or ArgumentException)
        {
            return false;
        }
    }

    private static (string Algorithm, HashAlgorithmName Hash)? Of(string? curve) => curve switch
    {
        "1.2.840.10045.3.1.7" => ("ES256", HashAlgorithmName.SHA256),
        "1.3.132.0.34" => ("ES384", HashAlgorithmName.SHA384),
        "1.3.132.0.35" => ("ES512", HashAlgorithmName.SHA512),
        _ => null,
    };
}
