using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins.Tokens;

/// <summary>A public key with what its owner says about it.</summary>
internal sealed record TokenKey(RSA? Rsa, ECDsa? Curve, string? Id, string? Algorithm) : IDisposable
{
    public void Dispose()
    {
        Rsa?.Dispose();
        Curve?.Dispose();
    }
}

/// <summary>Reads public keys: one certificate or key in PEM, or keys in JSON (one, or a set).</summary>
internal static class TokenKeys
{
    private const int MaxKeys = 64;

    // A larger modulus costs milliseconds, and nobody signs with one.
    private const int MaxModulusBits = 8_192;

    public static List<TokenKey> Read(string text) =>
        text.Contains("-----BEGIN ", StringComparison.Ordinal) ? [Pem(text)] : Json(text);

    private static TokenKey Pem(string text)
    {
        if (!PemEncoding.TryFind(text, out var fields)) throw new TokenFault("failed to extract a Key from the PEM certificate");
        if (!text.AsSpan(fields.Location.End.GetOffset(text.Length)).Trim().IsEmpty) throw new TokenFault("extra data after a PEM certificate block");
        var label = text[fields.Label];
        var der = Convert.FromBase64String(text[fields.Base64Data]);
        try
        {
            return label switch
            {
                "CERTIFICATE" => Certificate(der),
                "PUBLIC KEY" => PublicKey(der),
                "RSA PUBLIC KEY" => Rsa(rsa => rsa.ImportRSAPublicKey(der, out _)),
                _ => throw new TokenFault("failed to extract a Key from the PEM certificate"),
            };
        }
        catch (CryptographicException)
        {
            throw new TokenFault(label == "CERTIFICATE" ? "failed to parse a PEM certificate" : "failed to parse a PEM public key");
        }
    }

    private static TokenKey Certificate(byte[] der)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(der);
        return PublicKey(certificate.PublicKey.ExportSubjectPublicKeyInfo());
    }

    private static TokenKey PublicKey(byte[] info)
    {
        try
        {
            return Rsa(rsa => rsa.ImportSubjectPublicKeyInfo(info, out _));
        }
        catch (CryptographicException)
        {
            return Curve(curve => curve.ImportSubjectPublicKeyInfo(info, out _));
        }
    }

    private static List<TokenKey> Json(string text)
    {
        try
        {
            var document = RegoValue.FromJson(text);
            if (document is not ObjectValue one) throw new FormatException("no key");
            var all = one.Find("keys") is ArrayValue set ? set.Items : [one];
            if (all.Count > MaxKeys) throw new FormatException("too many keys");
            return [.. all.Select(Jwk)];
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            throw new TokenFault("failed to parse a JWK key (set)");
        }
    }

    private static TokenKey Jwk(RegoValue value)
    {
        var key = value as ObjectValue ?? throw new FormatException("no key");
        var (id, algorithm) = (Find("kid"), Find("alg"));
        return Find("kty") switch
        {
            "RSA" => Rsa(rsa => rsa.ImportParameters(new RSAParameters { Modulus = Bytes("n"), Exponent = Bytes("e") })) with { Id = id, Algorithm = algorithm },
            "EC" => Curve(curve => curve.ImportParameters(Point())) with { Id = id, Algorithm = algorithm },
            // Of other kinds no signature can be checked with a public key here.
            "oct" or "OKP" => new TokenKey(null, null, id, algorithm),
            _ => throw new FormatException("unknown key type"),
        };

        ECParameters Point()
        {
            var (curve, size) = Find("crv") switch
            {
                "P-256" => (ECCurve.NamedCurves.nistP256, 32),
                "P-384" => (ECCurve.NamedCurves.nistP384, 48),
                "P-521" => (ECCurve.NamedCurves.nistP521, 66),
                _ => throw new FormatException("unknown curve"),
            };
            return new ECParameters { Curve = curve, Q = new ECPoint { X = Padded("x", size), Y = Padded("y", size) } };
        }

        string? Find(string name) => key.Find(name) is StringValue s ? s.Text : null;

        byte[] Bytes(string name) =>
            Find(name) is { Length: > 0 } text && Encodings.TryBase64Url(text, out var bytes) ? bytes : throw new FormatException("no " + name);

        byte[] Padded(string name, int size)
        {
            var bytes = Bytes(name);
            if (bytes.Length > size) throw new FormatException("point off the curve");
            return [.. new byte[size - bytes.Length], .. bytes];
        }
    }

    private static TokenKey Rsa(Action<RSA> import)
    {
        var rsa = RSA.Create();
        try
        {
            import(rsa);
            return rsa.KeySize <= MaxModulusBits ? new TokenKey(rsa, null, null, null) : throw new CryptographicException("modulus too large");
        }
        catch
        {
            rsa.Dispose();
            throw;
        }
    }

    private static TokenKey Curve(Action<ECDsa> import)
    {
        var curve = ECDsa.Create();
        try
        {
            import(curve);
            return new TokenKey(null, curve, null, null);
        }
        catch
        {
            curve.Dispose();
            throw;
        }
    }
}
