using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;

namespace Caracal.Gateway.Tests.Support;

/// <summary>Signs mandates as the STS does.</summary>
internal static class TestMandates
{
    public const string Zone = "zone-1";
    public const string KeyId = "key-1";

    public static SigningKey Key { get; } = SigningKey.Generate();

    public static MandateClaims Claims(DateTimeOffset now, TimeSpan? life = null) => new()
    {
        Issuer = "https://sts.example.com",
        Subject = "app-1",
        Audience = ["https://sts.example.com"],
        IssuedAt = now.ToUnixTimeSeconds(),
        ExpiresAt = (now + (life ?? TimeSpan.FromMinutes(2))).ToUnixTimeSeconds(),
        Jti = Ids.New(),
        ZoneId = Zone,
        ClientId = "app-1",
        Scope = "read",
        Sid = "ar-1",
        RootSid = "ar-root",
        Use = MandateUse.Gateway,
        SubjectType = "application",
        Target = ["resource://pipernet"],
        AgentSessionId = "sess-1",
        DelegationEdgeId = "edge-1",
    };

    public static string Sign(MandateClaims claims, SigningKey? key = null, string keyId = KeyId)
    {
        var payload = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(payload))
        {
            claims.WriteTo(writer);
        }

        return Sign(payload.WrittenSpan, key ?? Key, $$"""{"alg":"ES256","kid":"{{keyId}}","typ":"JWT"}""");
    }

    public static string Sign(ReadOnlySpan<byte> payload, SigningKey key, string header)
    {
        var input = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(payload)}";
        var signature = new byte[64];
        key.Sign(Encoding.ASCII.GetBytes(input), signature);
        return $"{input}.{Base64Url.EncodeToString(signature)}";
    }

    public static JsonWebKeySet KeySet(SigningKey? key = null, string keyId = KeyId)
    {
        var chosen = key ?? Key;
        return new JsonWebKeySet([EcPublicKey.TryCreate(keyId, chosen.X.Span, chosen.Y.Span)!]);
    }
}
