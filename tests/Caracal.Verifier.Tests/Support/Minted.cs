using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Caracal.Verifier.Tests.Support;

/// <summary>Signs tokens of any shape, good or bad, with keys of its own.</summary>
internal sealed class Minted : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public string KeyId { get; init; } = "kid-a";

    /// <summary>The JWKS that lists these keys, the first one newest.</summary>
    public static string JwksOf(params Minted[] keys) => new JsonObject
    {
        ["keys"] = new JsonArray([.. keys.Select(one => one.Jwk())]),
    }.ToJsonString();

    public JsonObject Jwk()
    {
        var point = _key.ExportParameters(includePrivateParameters: false).Q;
        return new JsonObject
        {
            ["kty"] = "EC",
            ["crv"] = "P-256",
            ["alg"] = "ES256",
            ["use"] = "sig",
            ["kid"] = KeyId,
            ["x"] = Base64Url.EncodeToString(point.X),
            ["y"] = Base64Url.EncodeToString(point.Y),
        };
    }

    public static JsonObject Claims(DateTimeOffset now) => new()
    {
        ["iss"] = VectorV4.Issuer,
        ["sub"] = "user-1",
        ["aud"] = new JsonArray(VectorV4.Audience),
        ["exp"] = now.ToUnixTimeSeconds() + 300,
        ["iat"] = now.ToUnixTimeSeconds(),
        ["jti"] = "jti-1",
        ["zone_id"] = VectorV4.Zone,
        ["client_id"] = "app-1",
        ["scope"] = "read write",
        ["sid"] = "ar-1",
        ["root_sid"] = "ar-root",
        ["use"] = "resource",
        ["sub_type"] = "user",
        ["target"] = new JsonArray(VectorV4.Audience),
    };

    public string Sign(JsonObject claims, JsonObject? header = null)
    {
        var top = header ?? new JsonObject { ["alg"] = "ES256", ["kid"] = KeyId, ["typ"] = "JWT" };
        var input = $"{Part(top)}.{Part(claims)}";
        return $"{input}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256))}";
    }

    public void Dispose() => _key.Dispose();

    private static string Part(JsonObject json) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(json));
}
