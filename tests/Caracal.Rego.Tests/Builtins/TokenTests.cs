using System.Security.Cryptography;
using System.Text;

namespace Caracal.Rego.Tests.Builtins;

public class TokenTests
{
    private static readonly RSA s_rsa = RSA.Create(2048);
    private static readonly EvalOptions s_options = new() { Deadline = TimeSpan.FromSeconds(30) };
    private static readonly ECDsa s_curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    [Theory]
    [InlineData("HS256")]
    [InlineData("HS384")]
    [InlineData("HS512")]
    [InlineData("RS256")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("PS384")]
    [InlineData("ES256")]
    public void A_signature_holds_for_its_key_and_its_text_alone(string algorithm)
    {
        var token = Sign(algorithm, "{\"iss\":\"a\"}");
        var verify = $"io.jwt.verify_{algorithm.ToLowerInvariant()}(input.token, input.key)";
        var forged = token[..(token.IndexOf('.', StringComparison.Ordinal) + 1)] + Encode("{\"iss\":\"b\"}") + token[token.LastIndexOf('.')..];
        var other = algorithm[0] == 'H' ? "other" : OtherKey(algorithm);

        Assert.Equal("true", Ask(verify, token, Key(algorithm)));
        Assert.Equal("false", Ask(verify, forged, Key(algorithm)));
        Assert.Equal("false", Ask(verify, token, other));
    }

    [Fact]
    public void A_public_key_is_never_a_secret()
    {
        // The classical confusion: HS256 with the public key's text as its secret.
        var pem = s_rsa.ExportSubjectPublicKeyInfoPem();
        var token = Sign("HS256", "{}", secret: pem);

        Assert.Equal("[false,{},{}]", Ask("io.jwt.decode_verify(input.token, {\"cert\": input.key})", token, pem));
        Assert.Equal("[false,{},{}]", Ask("io.jwt.decode_verify(input.token, {\"secret\": input.key})", Sign("RS256", "{}"), "secret"));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("hs256")]
    [InlineData("HS257")]
    [InlineData("")]
    public void Unknown_algorithms_are_refused(string algorithm)
    {
        var token = $"{Encode($"{{\"alg\":\"{algorithm}\"}}")}.{Encode("{}")}.";
        Assert.Equal("[false,{},{}]", Ask("io.jwt.decode_verify(input.token, {\"secret\": input.key})", token, "secret"));
    }

    [Theory]
    [InlineData("{\"iss\":\"a\"}", "\"iss\": \"a\"", true)]
    [InlineData("{\"iss\":\"a\"}", "\"iss\": \"b\"", false)]
    [InlineData("{}", "\"iss\": \"a\"", false)]
    [InlineData("{\"aud\":\"a\"}", "\"aud\": \"a\"", true)]
    [InlineData("{\"aud\":[\"b\",\"a\"]}", "\"aud\": \"a\"", true)]
    [InlineData("{\"aud\":\"a\"}", "", false)]
    [InlineData("{\"aud\":{}}", "\"aud\": \"a\"", false)]
    [InlineData("{}", "\"aud\": \"a\"", false)]
    [InlineData("{\"exp\":1000}", "\"time\": 999999999999", true)]
    [InlineData("{\"exp\":1000}", "\"time\": 1000000000000", false)]
    [InlineData("{\"nbf\":1000}", "\"time\": 1000000000000", true)]
    [InlineData("{\"nbf\":1000}", "\"time\": 999999999999", false)]
    [InlineData("{\"exp\":1e9999}", "\"time\": 1", true)]
    [InlineData("{}", "\"alg\": \"HS256\"", true)]
    [InlineData("{}", "\"alg\": \"HS512\"", false)]
    public void Claims_are_judged(string payload, string constraint, bool accepted)
    {
        var constraints = "{\"secret\": input.key" + (constraint.Length > 0 ? ", " + constraint : "") + "}";
        Assert.Equal(accepted ? "true" : "false", Ask($"io.jwt.decode_verify(input.token, {constraints})[0]", Sign("HS256", payload), "secret"));
    }

    [Theory]
    [InlineData("{\"exp\":1000}", "\"secret\": \"secret\"", "exp cannot be judged: the evaluation has no time")]
    [InlineData("{\"exp\":null}", "\"secret\": \"secret\", \"time\": 1", "exp value must be a number")]
    [InlineData("{}", "\"secret\": \"secret\", \"cert\": \"x\"", "duplicate key constraints")]
    [InlineData("{}", "\"alg\": \"HS256\"", "no key constraint")]
    [InlineData("{}", "\"secret\": \"secret\", \"sub\": \"x\"", "unknown token validation constraint: \"sub\"")]
    public void What_cannot_be_judged_is_an_error_and_undefined(string payload, string constraints, string text)
    {
        var policy = Policy.Compile($"package t\np := io.jwt.decode_verify(input.token, {{{constraints}}})");
        var result = policy.Prepare("data.t.p").Evaluate(new RegoObjectBuilder().Add("token", Sign("HS256", payload)).Build(), s_options);
        Assert.False(result.IsDefined);
        Assert.Contains(text, result.FirstSuppressedError!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")]
    [InlineData("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")]
    [InlineData("-----BEGIN ")]
    [InlineData("{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AA\"}")]
    [InlineData("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}")]
    [InlineData("{\"kty\":\"EC\",\"crv\":\"P-999\"}")]
    [InlineData("{\"keys\":[1]}")]
    [InlineData("[]")]
    [InlineData("")]
    public void Broken_keys_are_errors(string key)
    {
        foreach (var algorithm in new[] { "rs256", "ps256", "es256" })
            Assert.NotEqual("true", Ask($"io.jwt.verify_{algorithm}(input.token, input.key)", Sign("RS256", "{}"), key));
    }

    [Fact]
    public void Checking_signatures_is_paid_for()
    {
        var policy = Policy.Compile("package t\np := count([1 | some i in numbers.range(1, 100000); io.jwt.verify_rs256(input.token, input.key)])");
        var input = new RegoObjectBuilder().Add("token", Sign("RS256", "{}")).Add("key", s_rsa.ExportSubjectPublicKeyInfoPem()).Build();
        var result = policy.Prepare("data.t.p").Evaluate(input, new EvalOptions { Deadline = TimeSpan.FromSeconds(60) });
        Assert.Equal("eval_limit_error", result.Error!.Code);
    }

    private static string Ask(string expression, string token, string key)
    {
        var policy = Policy.Compile("package t\np := " + expression);
        var result = policy.Prepare("data.t.p").Evaluate(new RegoObjectBuilder().Add("token", token).Add("key", key).Build(), s_options);
        return result.Error?.ToString() ?? result.Value?.ToJson() ?? "undefined";
    }

    private static string Key(string algorithm) => algorithm[0] switch
    {
        'H' => "secret",
        'E' => s_curve.ExportSubjectPublicKeyInfoPem(),
        _ => s_rsa.ExportSubjectPublicKeyInfoPem(),
    };

    private static string OtherKey(string algorithm)
    {
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsa = RSA.Create(2048);
        return algorithm[0] == 'E' ? curve.ExportSubjectPublicKeyInfoPem() : rsa.ExportSubjectPublicKeyInfoPem();
    }

    private static string Sign(string algorithm, string payload, string secret = "secret")
    {
        var signed = $"{Encode($"{{\"alg\":\"{algorithm}\"}}")}.{Encode(payload)}";
        var bytes = Encoding.ASCII.GetBytes(signed);
        var hash = new HashAlgorithmName("SHA" + algorithm[2..]);
        var signature = algorithm[0] switch
        {
            'H' => CryptographicOperations.HmacData(hash, Encoding.UTF8.GetBytes(secret), bytes),
            'R' => s_rsa.SignData(bytes, hash, RSASignaturePadding.Pkcs1),
            'P' => s_rsa.SignData(bytes, hash, RSASignaturePadding.Pss),
            _ => s_curve.SignData(bytes, hash),
        };
        return $"{signed}.{System.Buffers.Text.Base64Url.EncodeToString(signature)}";
    }

    private static string Encode(string text) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
