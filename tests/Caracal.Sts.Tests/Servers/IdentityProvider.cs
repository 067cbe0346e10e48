using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.TestKit;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Tests.Servers;

/// <summary>An identity provider over TLS: it signs tokens, publishes its keys, and replaces them.</summary>
internal sealed class IdentityProvider : HttpsServer
{
    public const string Issuer = "https://idp.example.com";
    public const string JwksUrl = "https://idp.example.com/jwks";
    public const string IdTokenType = "urn:ietf:params:oauth:token-type:id_token";

    private readonly RSA _rsa = RSA.Create(2048);
    private readonly Dictionary<string, ECDsa> _ec = new(StringComparer.Ordinal)
    {
        ["P-256"] = ECDsa.Create(ECCurve.NamedCurves.nistP256),
        ["P-384"] = ECDsa.Create(ECCurve.NamedCurves.nistP384),
        ["P-521"] = ECDsa.Create(ECCurve.NamedCurves.nistP521),
    };

    private int _fetches;
    private int _generation;

    public int Fetches => _fetches;

    /// <summary>Answers instead of the key document when set.</summary>
    public Func<HttpContext, Task>? Instead { get; set; }

    public static async Task<IdentityProvider> StartAsync()
    {
        var idp = new IdentityProvider();
        await idp.RunAsync();
        return idp;
    }

    /// <summary>Signs with a new key from now on, and publishes it alone.</summary>
    public void Rotate()
    {
        _generation++;
        _ec["P-256"] = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    }

    public string Token(
        string? iss = null, object? aud = null, string sub = "user-1", string alg = "ES256", string? kid = null, long? lifetime = 300,
        long issued = 0, long? notBefore = null, string? rawSubject = null, string? rawHeader = null)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var header = rawHeader ?? JsonSerializer.Serialize(new { alg, kid = kid ?? KeyId(alg), typ = "JWT" });
        var claims = new List<string>
        {
            $"\"iss\":{JsonSerializer.Serialize(iss ?? Issuer)}", $"\"aud\":{JsonSerializer.Serialize(aud ?? "caracal")}",
            $"\"sub\":{rawSubject ?? JsonSerializer.Serialize(sub)}", $"\"iat\":{now + issued}",
        };
        if (lifetime is { } seconds)
        {
            claims.Add($"\"exp\":{now + seconds}");
        }

        if (notBefore is { } later)
        {
            claims.Add($"\"nbf\":{now + later}");
        }

        return Sign(header, $"{{{string.Join(',', claims)}}}", alg);
    }

    /// <summary>Signs any header and payload, as given.</summary>
    public string Sign(string header, string payload, string alg = "ES256")
    {
        var signed = $"{Encode(Encoding.UTF8.GetBytes(header))}.{Encode(Encoding.Latin1.GetBytes(payload))}";
        return $"{signed}.{Encode(Signature(alg, Encoding.ASCII.GetBytes(signed)))}";
    }

    protected override async Task HandleAsync(HttpContext context)
    {
        Interlocked.Increment(ref _fetches);
        if (Instead is { } instead)
        {
            await instead(context);
            return;
        }

        await context.Response.WriteAsync(Document());
    }

    /// <summary>The document with the keys of now.</summary>
    public string Document()
    {
        var rsa = _rsa.ExportParameters(false);
        var keys = new List<object>
        {
            new { kty = "RSA", kid = "rsa", use = "sig", n = Encode(rsa.Modulus!), e = Encode(rsa.Exponent!) },
            new { kty = "RSA", kid = "enc", use = "enc", n = Encode(rsa.Modulus!), e = Encode(rsa.Exponent!) },
            new { kty = "oct", kid = "oct", k = Encode("secret"u8.ToArray()) },
            new { kty = "EC", crv = "secp256k1", kid = "odd", x = "AA", y = "AA" },
        };
        foreach (var (curve, key) in _ec)
        {
            var q = key.ExportParameters(false).Q;
            keys.Add(new { kty = "EC", crv = curve, kid = $"{curve}-{_generation}", x = Encode(q.X!), y = Encode(q.Y!) });
        }

        return JsonSerializer.Serialize(new { keys });
    }

    private string KeyId(string alg) => alg switch
    {
        "ES384" => $"P-384-{_generation}",
        "ES512" => $"P-521-{_generation}",
        _ when alg.StartsWith("RS", StringComparison.Ordinal) || alg.StartsWith("PS", StringComparison.Ordinal) => "rsa",
        _ => $"P-256-{_generation}",
    };

    private byte[] Signature(string alg, byte[] data) => alg switch
    {
        "RS256" => _rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        "RS384" => _rsa.SignData(data, HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1),
        "RS512" => _rsa.SignData(data, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
        "PS256" => _rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        "ES384" => _ec["P-384"].SignData(data, HashAlgorithmName.SHA384, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
        "ES512" => _ec["P-521"].SignData(data, HashAlgorithmName.SHA512, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
        "HS256" => HMACSHA256.HashData(_ec["P-256"].ExportSubjectPublicKeyInfo(), data),
        "none" => [],
        _ => _ec["P-256"].SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
    };

    private static string Encode(byte[] bytes) => Base64Url.EncodeToString(bytes);
}
