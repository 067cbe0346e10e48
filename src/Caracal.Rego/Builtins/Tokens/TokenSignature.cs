using System.Security.Cryptography;

namespace Caracal.Rego.Builtins.Tokens;

/// <summary>The signature schemes of tokens, by their names in the header.</summary>
internal sealed record TokenSignature(string Name, HashAlgorithmName Hash)
{
    /// <summary>What checking one signature costs: about as much as so many steps.</summary>
    public const int Steps = 2_000;

    public static IReadOnlyList<TokenSignature> All { get; } =
    [
        .. from family in new[] { "HS", "RS", "PS", "ES" }
           from size in new[] { 256, 384, 512 }
           select new TokenSignature($"{family}{size}", new HashAlgorithmName($"SHA{size}")),
    ];

    public bool IsKeyed => Name[0] == 'H';

    public static TokenSignature? Find(string? name) => All.FirstOrDefault(s => s.Name == name);

    /// <summary>Whether the shared secret made the signature.</summary>
    public bool Holds(WebToken token, string secret)
    {
        var key = Encodings.Bytes(secret);
        var expected = CryptographicOperations.HmacData(Hash, key, token.Signed);
        return CryptographicOperations.FixedTimeEquals(expected, token.Signature());
    }

    /// <summary>
    /// Whether one of the keys made the signature: the one the token names, or else any; never one that is meant for another
    /// algorithm.
    /// </summary>
    public bool Holds(WebToken token, IReadOnlyList<TokenKey> keys)
    {
        var (signed, signature) = (token.Signed, token.Signature());
        if (token.HeaderText("kid") is { Length: > 0 } id && keys.FirstOrDefault(k => k.Id == id) is { } named) return Verify(named, signed, signature);
        var algorithm = token.HeaderText("alg");
        return keys.Any(k => (k.Algorithm is not { Length: > 0 } || k.Algorithm == algorithm) && Verify(k, signed, signature));
    }

    private bool Verify(TokenKey key, byte[] signed, byte[] signature)
    {
        try
        {
            return Name[0] switch
            {
                'R' => key.Rsa?.VerifyData(signed, signature, Hash, RSASignaturePadding.Pkcs1) ?? false,
                'P' => key.Rsa?.VerifyData(signed, signature, Hash, RSASignaturePadding.Pss) ?? false,
                'E' => key.Curve?.VerifyData(signed, signature, Hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation) ?? false,
                _ => false,
            };
        }
        catch (CryptographicException)
        {
            // Such as a key too small for the padding: it did not make this signature.
            return false;
        }
    }
}
