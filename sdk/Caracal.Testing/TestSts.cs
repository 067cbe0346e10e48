using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.Verifier;
using Caracal.Verifier.Revocations;

namespace Caracal.Testing;

/// <summary>An STS in memory: signs with a key of its own, serves its JWKS, and answers token exchanges and Session calls of a client.</summary>
public sealed class TestSts : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly TestHandler _handler;

    public TestSts() => _handler = new TestHandler(this);

    /// <summary>What mandates name as their issuer.</summary>
    public string Issuer { get; } = "https://sts.test";

    public string ZoneId { get; init; } = "test-zone";

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Shared with the verifiers of <see cref="VerifierOptions"/>.</summary>
    public InMemoryRevocationStore Revocations { get; } = new();

    /// <summary>Code and description of a refusal; null grants.</summary>
    public Func<TestExchange, (string Code, string Description)?> Refuse { get; set; } = _ => null;

    /// <summary>For <c>CaracalOptions.Http</c>: the STS and the Coordinator of a client.</summary>
    public HttpMessageHandler Handler => _handler;

    /// <summary>Every exchange so far.</summary>
    public IReadOnlyList<TestExchange> Exchanges => _handler.Exchanges;

    /// <summary>Options of a verifier that trusts this STS and no other.</summary>
    public MandateVerifierOptions VerifierOptions(string audience) => new()
    {
        Issuer = Issuer,
        Audience = audience,
        ZoneId = ZoneId,
        Revocations = Revocations,
        Http = new HttpMessageInvoker(_handler, disposeHandler: false),
        Time = Time,
    };

    /// <summary>A signed mandate.</summary>
    public string Mint(TestMandate mandate)
    {
        var now = Time.GetUtcNow();
        var payload = Json(writer =>
        {
            writer.WriteString("iss", Issuer);
            writer.WriteString("sub", mandate.Subject);
            writer.WriteStartArray("aud");
            writer.WriteStringValue(mandate.Use == "resource" ? mandate.Audience : Issuer);
            writer.WriteEndArray();
            writer.WriteNumber("exp", (now + mandate.Lifetime).ToUnixTimeSeconds());
            writer.WriteNumber("iat", Math.Min(now.ToUnixTimeSeconds(), (now + mandate.Lifetime).ToUnixTimeSeconds()));
            writer.WriteString("jti", Guid.NewGuid().ToString());
            writer.WriteString("zone_id", ZoneId);
            writer.WriteString("client_id", mandate.ApplicationId);
            writer.WriteString("scope", string.Join(' ', mandate.Scopes));
            writer.WriteString("sid", mandate.AuthorityRecordId);
            writer.WriteString("root_sid", mandate.AuthorityRecordId);
            writer.WriteString("use", mandate.Use);
            writer.WriteString("sub_type", "application");
            writer.WriteStartArray("target");
            writer.WriteStringValue(mandate.Audience);
            writer.WriteEndArray();
            if (mandate.SessionId is not null) writer.WriteString("agent_session_id", mandate.SessionId);
            if (mandate.DelegationId is not null) writer.WriteString("delegation_edge_id", mandate.DelegationId);
            writer.WriteNumber("hop_count", mandate.HopCount);
        });
        var signed = $"{Base64Url.EncodeToString("""{"alg":"ES256","kid":"test-key","typ":"JWT"}"""u8)}.{Base64Url.EncodeToString(payload)}";
        return $"{signed}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    public void Dispose()
    {
        _handler.Dispose();
        _key.Dispose();
    }

    internal byte[] Jwks()
    {
        var point = _key.ExportParameters(includePrivateParameters: false).Q;
        return Json(writer =>
        {
            writer.WriteStartArray("keys");
            writer.WriteStartObject();
            foreach (var (name, value) in ((string, string)[])[("kty", "EC"), ("crv", "P-256"), ("alg", "ES256"), ("use", "sig"), ("kid", "test-key")]) writer.WriteString(name, value);
            writer.WriteString("x", Base64Url.EncodeToString(point.X));
            writer.WriteString("y", Base64Url.EncodeToString(point.Y));
            writer.WriteEndObject();
            writer.WriteEndArray();
        });
    }

    internal static byte[] Json(Action<Utf8JsonWriter> members)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            members(writer);
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }
}
