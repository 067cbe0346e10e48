using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.Protocol.Mandates;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.Federation;

/// <summary>sts.md 2.5: whose users may come in.</summary>
public sealed class FederationTests
{
    private const string Issuer = "https://idp.example.com";
    private const string Type = "urn:ietf:params:oauth:token-type:id_token";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_user_of_a_registered_issuer_gets_a_session_mandate(Engine engine)
    {
        using var idp = new Idp();
        await using var sts = await StartAsync(idp, engine);
        var answer = await PresentAsync(sts, idp.Token(sub: "Üser|1"));
        Assert.Equal(200, answer.Status);
        var claims = answer.Claims;
        Assert.Equal(("Üser|1", "user", MandateUse.Session, "app-p"), (claims.Subject, claims.SubjectType, claims.Use, claims.ClientId));
        Assert.Empty(claims.Target);
        Assert.Null(claims.Scope);
        Assert.Null(answer.Text("target_resources"));
        Assert.Equal("Üser|1", await sts.ScalarAsync<string>("SELECT subject_id FROM authority_records WHERE id = @Sid AND session_type = 'user'", claims));
        var allowed = Assert.Single(await sts.EventsAsync());
        Assert.Equal("""[{"policy":"caracal-subject-federation"}]""", allowed.GetProperty("determining_policies_json").GetRawText());
        var metadata = allowed.GetProperty("metadata_json");
        Assert.Equal((Issuer, claims.Sid, "user"), (Text(metadata, "federated_user_issuer"), Text(metadata, "session_id"), Text(metadata, "subject_kind")));
        Assert.DoesNotContain("ser|1", allowed.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rsa_works_as_well()
    {
        using var idp = new Idp();
        await using var sts = await StartAsync(idp);
        Assert.Equal(200, (await PresentAsync(sts, idp.Token(alg: "RS256"))).Status);
    }

    [Fact]
    public async Task Anything_that_does_not_hold_is_refused_and_recorded()
    {
        using var idp = new Idp();
        using var stranger = new Idp();
        await using var sts = await StartAsync(idp);
        string[] tokens =
        [
            "nonsense", "a.b.c", stranger.Token(), idp.Token(alg: "HS256"), idp.Token(alg: "none"), idp.Token(alg: "ES384"),
            idp.Token(kid: "unknown"), idp.Token(iss: "https://other.example.com"), idp.Token(aud: "somebody"),
            idp.Token(lifetime: -61), idp.Token(issued: 120), idp.Token(sub: "caracal:x"), idp.Token(sub: ""),
        ];
        foreach (var token in tokens)
        {
            var answer = await PresentAsync(sts, token);
            Assert.Equal((401, "invalid_token"), (answer.Status, answer.Error));
            Assert.StartsWith("invalid subject_token: ", answer.Description, StringComparison.Ordinal);
        }

        Assert.Equal(tokens.Length, (await sts.DenialsAsync()).Count(status => status == "subject_federation_rejected"));
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records"));
    }

    [Theory]
    [InlineData("resource", "resource://nucleus")]
    [InlineData("scope", "agent:lifecycle")]
    [InlineData("session_id", "x")]
    [InlineData("agent_session_id", "s2")]
    [InlineData("delegation_edge_id", "e1")]
    [InlineData("approval_id", "x")]
    public async Task Nothing_else_may_be_asked_for(string name, string value)
    {
        using var idp = new Idp();
        await using var sts = await StartAsync(idp);
        var answer = await PresentAsync(sts, idp.Token(), (name, value));
        Assert.Equal((400, "invalid_token"), (answer.Status, answer.Error));
        Assert.Equal(["subject_federation_invalid"], await sts.DenialsAsync());
    }

    [Fact]
    public async Task An_issuer_that_was_archived_or_speaks_plain_http_vouches_for_nobody()
    {
        using var idp = new Idp();
        await using var sts = await StartAsync(idp);
        await sts.SqlAsync("UPDATE subject_issuers SET jwks_url = 'http://idp.example.com/jwks'");
        Assert.Equal(401, (await PresentAsync(sts, idp.Token())).Status);
        await sts.SqlAsync("UPDATE subject_issuers SET jwks_url = 'https://127.0.0.1/jwks'");
        Assert.Equal(401, (await PresentAsync(sts, idp.Token())).Status);
        Assert.Equal(0, idp.Fetches);
        await sts.SqlAsync("UPDATE subject_issuers SET jwks_url = 'https://idp.example.com/jwks'");
        Assert.Equal(200, (await PresentAsync(sts, idp.Token())).Status);
        await sts.SqlAsync("UPDATE subject_issuers SET archived_at = @now", new { now = DateTimeOffset.UtcNow });
        Assert.Equal(401, (await PresentAsync(sts, idp.Token())).Status);
    }

    [Fact]
    public async Task Keys_are_fetched_once_for_many_users()
    {
        using var idp = new Idp();
        await using var sts = await StartAsync(idp);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(200, (await PresentAsync(sts, idp.Token(sub: $"user-{i}"))).Status);
        }

        Assert.Equal(1, idp.Fetches);
    }

    private static async Task<StsHarness> StartAsync(Idp idp, Engine engine = Engine.Sqlite)
    {
        var sts = await StsHarness.StartAsync(engine, idp);
        var now = DateTimeOffset.UtcNow;
        await sts.SqlAsync(
            """
            INSERT INTO subject_issuers (id, zone_id, issuer, jwks_url, audience, created_at, updated_at)
            VALUES ('iss-1', 'zone-1', @Issuer, 'https://idp.example.com/jwks', 'caracal', @now, @now)
            """,
            new { Issuer, now });
        return sts;
    }

    private static Task<Answer> PresentAsync(StsHarness sts, string token, params (string Name, string? Value)[] more) =>
        sts.PostAsync(StsHarness.Bootstrap([("resource", null), ("scope", null), ("subject_token", token), ("subject_token_type", Type), .. more]));

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    /// <summary>An identity provider: keys, tokens and the document that publishes the keys.</summary>
    private sealed class Idp : HttpMessageHandler
    {
        private readonly ECDsa _ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        private readonly RSA _rsa = RSA.Create(2048);

        public int Fetches { get; private set; }

        public string Token(
            string? iss = null, string? aud = null, string sub = "user-1", string alg = "ES256", string? kid = null, long lifetime = 300, long issued = 0)
        {
            var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            var header = Encode(new { alg, kid = kid ?? (alg == "RS256" ? "rsa" : "ec"), typ = "JWT" });
            var payload = Encode(new { iss = iss ?? Issuer, aud = aud ?? "caracal", sub, exp = now + lifetime, iat = now + issued });
            var signed = Encoding.ASCII.GetBytes($"{header}.{payload}");
            var signature = alg switch
            {
                "RS256" => _rsa.SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
                "HS256" => HMACSHA256.HashData(_ec.ExportSubjectPublicKeyInfo(), signed),
                "none" => [],
                _ => _ec.SignData(signed, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
            };
            return $"{header}.{payload}.{Base64Url.EncodeToString(signature)}";
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Fetches++;
            var ec = _ec.ExportParameters(false).Q;
            var rsa = _rsa.ExportParameters(false);
            var json = JsonSerializer.Serialize(new
            {
                keys = new object[]
                {
                    new { kty = "EC", crv = "P-256", kid = "ec", x = Base64Url.EncodeToString(ec.X), y = Base64Url.EncodeToString(ec.Y) },
                    new { kty = "RSA", kid = "rsa", use = "sig", n = Base64Url.EncodeToString(rsa.Modulus), e = Base64Url.EncodeToString(rsa.Exponent) },
                    new { kty = "RSA", kid = "enc", use = "enc", n = Base64Url.EncodeToString(rsa.Modulus), e = Base64Url.EncodeToString(rsa.Exponent) },
                },
            });
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(json) });
        }

        protected override void Dispose(bool disposing)
        {
            _ec.Dispose();
            _rsa.Dispose();
            base.Dispose(disposing);
        }

        private static string Encode<T>(T value) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value));
    }
}
