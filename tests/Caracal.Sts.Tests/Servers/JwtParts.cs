using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Caracal.Sts.Tests.Servers;

/// <summary>A JWT as a stranger reads it: nothing of ours is used to judge what we signed.</summary>
internal sealed record JwtParts(JsonElement Header, JsonElement Payload, byte[] Signed, byte[] Signature)
{
    public static JwtParts? TryRead(string token)
    {
        var parts = token.Split('.');
        return parts.Length == 3
            ? new JwtParts(Json(parts[0]), Json(parts[1]), Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]))
            : null;
    }

    public JsonElement Claim(string name) => Payload.GetProperty(name);

    public bool Verifies(string publicPem)
    {
        if (Header.GetProperty("alg").GetString() == "RS256")
        {
            using var rsa = RSA.Create();
            rsa.ImportFromPem(publicPem);
            return rsa.VerifyData(Signed, Signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }

        using var ec = ECDsa.Create();
        ec.ImportFromPem(publicPem);
        var hash = Header.GetProperty("alg").GetString() switch
        {
            "ES256" => HashAlgorithmName.SHA256,
            "ES384" => HashAlgorithmName.SHA384,
            "ES512" => HashAlgorithmName.SHA512,
            _ => throw new InvalidOperationException("an unexpected algorithm"),
        };
        return ec.VerifyData(Signed, Signature, hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    private static JsonElement Json(string part)
    {
        using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(part));
        return document.RootElement.Clone();
    }
}
