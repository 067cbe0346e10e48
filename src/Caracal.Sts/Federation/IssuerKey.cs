using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Caracal.Sts.Federation;

/// <summary>A public key of a foreign issuer, RSA or EC (sts.md 2.5 step 2).</summary>
internal sealed class IssuerKey
{
    private readonly RSAParameters? _rsa;
    private readonly ECParameters? _ec;
    private readonly string? _curve;

    private IssuerKey(string keyId, RSAParameters? rsa, ECParameters? ec, string? curve)
    {
        KeyId = keyId;
        _rsa = rsa;
        _ec = ec;
        _curve = curve;
    }

    public string KeyId { get; }

    /// <summary>The usable keys of a JWKS document; null when it is none.</summary>
    public static IReadOnlyList<IssuerKey>? TryReadAll(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.TryGetProperty("keys"u8, out var list) && list.ValueKind == JsonValueKind.Array
                ? [.. list.EnumerateArray().Select(TryRead).OfType<IssuerKey>()]
                : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>True when the token's signature holds under this key with the algorithm it names, which must fit the key.</summary>
    public bool Verifies(IdToken token)
    {
        if (token.Algorithm.Length != 5 || Hash(token.Algorithm[2..]) is not { } hash)
        {
            return false;
        }

        try
        {
            switch (token.Algorithm[..2])
            {
                case "RS" when _rsa is { } rsa:
                    using (var key = RSA.Create(rsa))
                    {
                        return key.VerifyData(token.SignedBytes, token.Signature, hash, RSASignaturePadding.Pkcs1);
                    }

                case "ES" when _ec is { } ec && _curve == Curve(token.Algorithm):
                    using (var key = ECDsa.Create(ec))
                    {
                        return key.VerifyData(token.SignedBytes, token.Signature, hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
                    }

                default:
                    return false;
            }
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static IssuerKey? TryRead(JsonElement key)
    {
        try
        {
            if (Text(key, "kid") is not { Length: > 0 } keyId || Text(key, "use") is not (null or "sig"))
            {
                return null;
            }

            return Text(key, "kty") switch
            {
                "RSA" => ReadRsa(keyId, key),
                "EC" => ReadEc(keyId, key),
                _ => null,
            };
        }
        catch (Exception fault) when (fault is FormatException or InvalidOperationException or CryptographicException)
        {
            return null;
        }
    }

    private static IssuerKey? ReadRsa(string keyId, JsonElement key)
    {
        var modulus = Base64Url.DecodeFromChars(Text(key, "n"));
        var exponent = Base64Url.DecodeFromChars(Text(key, "e"));
        var value = exponent.Length is > 0 and <= 4 ? exponent.Aggregate(0L, (sum, b) => (sum << 8) | b) : 0;

        // Below 2048 bits a signature proves nothing any more.
        return value is >= 3 and < 1L << 31 && modulus.Length >= 256
            ? new IssuerKey(keyId, new RSAParameters { Modulus = modulus, Exponent = exponent }, null, null)
            : null;
    }

    private static IssuerKey? ReadEc(string keyId, JsonElement key)
    {
        var name = Text(key, "crv");
        ECCurve? curve = name switch
        {
            "P-256" => ECCurve.NamedCurves.nistP256,
            "P-384" => ECCurve.NamedCurves.nistP384,
            "P-521" => ECCurve.NamedCurves.nistP521,
            _ => null,
        };
        if (curve is null)
        {
            return null;
        }

        var parameters = new ECParameters
        {
            Curve = curve.Value,
            Q = new ECPoint { X = Base64Url.DecodeFromChars(Text(key, "x")), Y = Base64Url.DecodeFromChars(Text(key, "y")) },
        };
        using var check = ECDsa.Create(parameters);
        return new IssuerKey(keyId, null, parameters, name);
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static HashAlgorithmName? Hash(string bits) => bits switch
    {
        "256" => HashAlgorithmName.SHA256,
        "384" => HashAlgorithmName.SHA384,
        "512" => HashAlgorithmName.SHA512,
        _ => null,
    };

    private static string? Curve(string algorithm) => algorithm switch
    {
        "ES256" => "P-256",
        "ES384" => "P-384",
        "ES512" => "P-521",
        _ => null,
    };
}
