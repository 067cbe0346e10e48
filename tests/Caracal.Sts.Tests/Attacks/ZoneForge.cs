using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Caracal.Keys.Sealing;

namespace Caracal.Sts.Tests.Attacks;

/// <summary>Makes tokens no honest STS makes, with the zone's real key where the attack is not about the key.</summary>
internal sealed class ZoneForge : IDisposable
{
    private readonly ECDsa _key;

    private ZoneForge(ECDsa key, string keyId)
    {
        _key = key;
        KeyId = keyId;
    }

    public string KeyId { get; }

    /// <summary>The zone's public key, as an attacker reads it from JWKS.</summary>
    public byte[] PublicKey => _key.ExportSubjectPublicKeyInfo();

    /// <summary>Takes the zone's key out of the store.</summary>
    public static async Task<ZoneForge> OpenAsync(StsHarness sts, string zone = StsHarness.Zone)
    {
        var keyId = await sts.ScalarAsync<string>("SELECT id FROM secrets WHERE zone_id = @zone AND state = 'active'", new { zone });
        var envelope = await sts.ScalarAsync<byte[]>("SELECT envelope FROM secrets WHERE id = @keyId", new { keyId });
        Assert.Equal(Css1Outcome.Opened, Css1Envelope.Open(sts.Settings.Kek, SealedLocations.ZoneSigningKey, envelope, out var pem));
        using (pem)
        {
            var key = ECDsa.Create();
            key.ImportFromPem(Encoding.ASCII.GetString(pem!.Span));
            return new ZoneForge(key, keyId!);
        }
    }

    /// <summary>The claims of a real token, to be changed.</summary>
    public static JsonObject Claims(string token) => JsonNode.Parse(Base64Url.DecodeFromChars(token.Split('.')[1]))!.AsObject();

    /// <summary>A token with the zone's own header and signature over these claims.</summary>
    public string Sign(JsonObject claims) => Sign(claims.ToJsonString());

    /// <summary>The same over any text.</summary>
    public string Sign(string payload, string? header = null) => With(header ?? Header(), payload, data => Sign(_key, data));

    /// <summary>A token signed by anything else.</summary>
    public static string With(string header, string payload, Func<byte[], byte[]> sign)
    {
        var signed = $"{Encode(Encoding.UTF8.GetBytes(header))}.{Encode(Encoding.UTF8.GetBytes(payload))}";
        return $"{signed}.{Encode(sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    public string Header(string algorithm = "ES256", string? keyId = null, string more = "") =>
        $$"""{"alg":"{{algorithm}}","kid":"{{keyId ?? KeyId}}","typ":"JWT"{{more}}}""";

    public static byte[] Sign(ECDsa key, byte[] data) =>
        key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

    public byte[] SignDer(byte[] data) => _key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    public static string Encode(byte[] bytes) => Base64Url.EncodeToString(bytes);

    public void Dispose() => _key.Dispose();
}
