using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Caracal.Keys.Signatures;
using Caracal.Protocol.Mandates;

namespace Caracal.Coordinator.Tests.Support;

/// <summary>Signs mandates as the STS does, and serves the keys to verify them.</summary>
internal sealed class ZoneSigner(string issuer, TimeProvider time) : IZoneKeys
{
    private const string KeyId = "k1";
    private readonly SigningKey _key = SigningKey.Generate();
    private readonly SigningKey _foreign = SigningKey.Generate();

    public ValueTask<EcPublicKey?> FindAsync(string zoneId, string keyId, CancellationToken cancellationToken) =>
        ValueTask.FromResult(keyId == KeyId ? EcPublicKey.TryCreate(KeyId, _key.X.Span, _key.Y.Span) : null);

    /// <summary>The claims of an ordinary lifecycle mandate of an application.</summary>
    public MandateClaims Claims(string zoneId, string application, string record, params ReadOnlySpan<string> scopes) => new()
    {
        Issuer = issuer,
        Audience = [issuer],
        Subject = application,
        ClientId = application,
        ZoneId = zoneId,
        Sid = record,
        RootSid = record,
        Jti = Guid.NewGuid().ToString(),
        Use = MandateUse.Session,
        SubjectType = "application",
        Scope = string.Join(' ', ["agent:lifecycle", .. scopes]),
        IssuedAt = time.GetUtcNow().ToUnixTimeSeconds(),
        ExpiresAt = time.GetUtcNow().AddDays(30).ToUnixTimeSeconds(),
    };

    public string Sign(MandateClaims claims, bool withForeignKey = false)
    {
        using var payload = new MemoryStream();
        using (var writer = new Utf8JsonWriter(payload))
        {
            claims.WriteTo(writer);
        }

        var head = Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"alg":"ES256","typ":"JWT","kid":"{{KeyId}}"}"""));
        var signed = $"{head}.{Base64Url.EncodeToString(payload.ToArray())}";
        Span<byte> signature = stackalloc byte[SigningKey.SignatureSize];
        (withForeignKey ? _foreign : _key).Sign(Encoding.ASCII.GetBytes(signed), signature);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }
}
