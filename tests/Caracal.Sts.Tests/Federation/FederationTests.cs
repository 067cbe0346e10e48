using System.Net;
using System.Text.Json;
using Caracal.Protocol.Mandates;
using Caracal.Sts.Tests.Servers;
using Caracal.TestKit;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Tests.Federation;

/// <summary>sts.md 2.5 against an identity provider over TLS: whose users may come in.</summary>
public sealed class FederationTests
{
    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_user_of_a_registered_issuer_gets_a_session_mandate(Engine engine)
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp, engine);
        var answer = await PresentAsync(sts, idp.Token(sub: "Üser|1"));
        Assert.Equal(200, answer.Status);
        var claims = answer.Claims;
        Assert.Equal(("Üser|1", "user", MandateUse.Session, "app-p"), (claims.Subject, claims.SubjectType, claims.Use, claims.ClientId));
        Assert.Equal((900L, claims.Sid), (claims.ExpiresAt - claims.IssuedAt, claims.RootSid));
        Assert.Empty(claims.Target);
        Assert.Null(claims.Scope);
        Assert.Null(answer.Text("target_resources"));
        Assert.Equal("Üser|1", await sts.ScalarAsync<string>("SELECT subject_id FROM authority_records WHERE id = @Sid AND session_type = 'user'", claims));
        var stored = await sts.ScalarAsync<string>("SELECT claims_json FROM authority_records WHERE id = @Sid", claims);
        Assert.Equal(IdentityProvider.Issuer, JsonDocument.Parse(stored!).RootElement.GetProperty("iss").GetString());
        var allowed = Assert.Single(await sts.EventsAsync());
        Assert.Equal("""[{"policy":"caracal-subject-federation"}]""", allowed.GetProperty("determining_policies_json").GetRawText());
        var metadata = allowed.GetProperty("metadata_json");
        Assert.Equal((IdentityProvider.Issuer, claims.Sid, "user"), (Text(metadata, "federated_user_issuer"), Text(metadata, "session_id"), Text(metadata, "subject_kind")));
        Assert.DoesNotContain("ser|1", allowed.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_algorithm_of_the_list_works_with_its_own_key()
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        foreach (var algorithm in new[] { "RS256", "RS384", "RS512", "ES256", "ES384", "ES512" })
        {
            Assert.Equal(200, (await PresentAsync(sts, idp.Token(alg: algorithm))).Status);
        }

        Assert.Equal(200, (await PresentAsync(sts, idp.Token(aud: new[] { "other", "caracal" }))).Status);
        Assert.Equal(200, (await PresentAsync(sts, idp.Token(lifetime: -40, issued: 40, notBefore: 40))).Status);
        Assert.Equal(1, idp.Fetches);
    }

    [Fact]
    public async Task Anything_that_does_not_hold_is_refused_and_recorded()
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var stranger = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var good = $$"""{"iss":"{{IdentityProvider.Issuer}}","aud":"caracal","sub":"u","iat":{{now}},"exp":{{now + 300}}}""";
        string[] tokens =
        [
            "nonsense", "a.b.c", stranger.Token(), idp.Token(alg: "HS256"), idp.Token(alg: "none"), idp.Token(alg: "PS256"),
            idp.Token(kid: "unknown"), idp.Token(kid: "enc", alg: "RS256"), idp.Token(kid: "oct", alg: "HS256"), idp.Token(kid: "odd"),
            idp.Token(kid: "P-384-0"), idp.Token(rawHeader: """{"alg":"ES256"}"""), idp.Token(rawHeader: """{"alg":"ES256","kid":""}"""),
            idp.Token(rawHeader: """{"alg":"ES384","kid":"P-256-0"}"""), idp.Token(rawHeader: """{"alg":"ES256","kid":"P-256-0","crit":["b64"],"b64":false}"""),
            idp.Token(iss: "https://other.example.com"), idp.Token(iss: IdentityProvider.Issuer + "/"), idp.Token(aud: "somebody"),
            idp.Token(aud: new[] { "somebody" }), idp.Token(lifetime: -61), idp.Token(lifetime: null), idp.Token(issued: 62), idp.Token(notBefore: 62),
            idp.Sign("""{"alg":"ES256","kid":"P-256-0"}""", good[..^1] + ",\"sub\":\"admin\"}"),
            idp.Sign("""{"alg":"none","alg":"ES256","kid":"P-256-0"}""", good),
            idp.Sign("""{"alg":"ES256","kid":"P-256-0"}""", "[]"), idp.Sign("""{"alg":"ES256","kid":"P-256-0"}""", good.Replace("\"u\"", "7", StringComparison.Ordinal)),
            idp.Token() + ".x", idp.Token()[..^3], new string('x', 20_000),
        ];
        foreach (var token in tokens)
        {
            var answer = await PresentAsync(sts, token);
            Assert.Equal((401, "invalid_token"), (answer.Status, answer.Error));
            Assert.StartsWith("invalid subject_token: ", answer.Description, StringComparison.Ordinal);
        }

        Assert.Equal(tokens.Length, (await sts.DenialsAsync()).Count(status => status == "subject_federation_rejected"));
        Assert.All(await sts.EventsAsync(), e => Assert.NotEmpty(Text(e.GetProperty("metadata_json"), "reason")!));
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records"));
        Assert.Equal(200, (await PresentAsync(sts, idp.Sign("""{"alg":"ES256","kid":"P-256-0"}""", good))).Status);
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("\"caracal:x\"")]
    [InlineData("\" user\"")]
    [InlineData("\"user\\u00a0\"")]
    [InlineData("\"us\\u0000er\"")]
    [InlineData("\"us\\u0085er\"")]
    [InlineData("\"us\\u202eer\"")]
    [InlineData("\"us\\u2066er\"")]
    [InlineData("\"us\\ufffder\"")]
    [InlineData("\"us\\ud800er\"")]
    [InlineData("\"us\u00ffer\"")]
    [InlineData("null")]
    public async Task A_subject_that_could_be_mistaken_for_another_is_refused(string raw)
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        Assert.Equal((401, "invalid_token"), Of(await PresentAsync(sts, idp.Token(rawSubject: raw))));
    }

    [Fact]
    public async Task A_subject_is_kept_byte_for_byte_and_never_normalised()
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        foreach (var subject in new[] { "A\u030angstro\u0308m", "Ångström", "CARACAL:x", "a\u3000b", "auth0|1", new string('x', 512), "\ud83d\ude00" })
        {
            Assert.Equal(subject, (await PresentAsync(sts, idp.Token(sub: subject))).Claims.Subject);
        }

        Assert.Equal(401, (await PresentAsync(sts, idp.Token(sub: new string('x', 513)))).Status);
        Assert.Equal(401, (await PresentAsync(sts, idp.Token(sub: new string('é', 257)))).Status);
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
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        Assert.Equal((400, "invalid_token"), Of(await PresentAsync(sts, idp.Token(), (name, value))));
        Assert.Equal(["subject_federation_invalid"], await sts.DenialsAsync());
        Assert.Equal(0, idp.Fetches);
    }

    [Fact]
    public async Task An_issuer_that_was_archived_or_speaks_plain_http_vouches_for_nobody()
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        foreach (var url in new[] { "http://idp.example.com/jwks", "https://127.0.0.1/jwks", "https://u@idp.example.com/jwks", "ftp://idp.example.com/jwks" })
        {
            await sts.SqlAsync("UPDATE subject_issuers SET jwks_url = @url", new { url });
            Assert.Equal(401, (await PresentAsync(sts, idp.Token())).Status);
        }

        Assert.Equal(0, idp.Fetches);
        await sts.SqlAsync("UPDATE subject_issuers SET jwks_url = @JwksUrl", new { IdentityProvider.JwksUrl });
        Assert.Equal(200, (await PresentAsync(sts, idp.Token())).Status);
        await sts.SqlAsync("UPDATE subject_issuers SET archived_at = @now", new { now = DateTimeOffset.UtcNow });
        Assert.Equal(401, (await PresentAsync(sts, idp.Token())).Status);
    }

    [Fact]
    public async Task The_guard_fetches_no_keys_from_this_machine()
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(null, Engine.Sqlite, null, ("CARACAL_PRIVATE_EGRESS_HOSTS", "localhost"));
        await sts.SqlAsync("UPDATE subject_issuers SET jwks_url = @url", new { url = $"https://localhost:{idp.Port}/jwks" });
        Assert.Equal(401, (await PresentAsync(sts, idp.Token())).Status);
        Assert.Equal(0, idp.Fetches);
    }

    [Fact]
    public async Task Keys_are_fetched_once_for_many_users_at_once()
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => PresentAsync(sts, idp.Token(sub: $"user-{i}"))));
        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Equal(1, idp.Fetches);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_provider_that_replaces_its_key_is_followed_and_the_old_key_is_forgotten(Engine engine)
    {
        var time = new SkippingTime();
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp, engine, time);
        var old = idp.Token();
        Assert.Equal(200, (await PresentAsync(sts, old)).Status);
        idp.Rotate();
        time.Skip(TimeSpan.FromSeconds(31));
        Assert.Equal(200, (await PresentAsync(sts, idp.Token())).Status);
        Assert.Equal(401, (await PresentAsync(sts, old)).Status);
        Assert.Equal(2, idp.Fetches);
    }

    [Fact]
    public async Task Made_up_key_ids_do_not_make_us_ask_again_and_again()
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(401, (await PresentAsync(sts, idp.Token(kid: $"made-up-{i}"))).Status);
        }

        Assert.Equal(1, idp.Fetches);
    }

    [Fact]
    public async Task Keys_older_than_ten_minutes_are_never_used_even_if_no_others_can_be_had()
    {
        var time = new SkippingTime();
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp, Engine.Sqlite, time);
        Assert.Equal(200, (await PresentAsync(sts, idp.Token())).Status);
        idp.Instead = context =>
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        };
        time.Skip(TimeSpan.FromMinutes(9));
        Assert.Equal(200, (await PresentAsync(sts, idp.Token())).Status);
        time.Skip(TimeSpan.FromMinutes(1.1));
        Assert.Equal(401, (await PresentAsync(sts, idp.Token())).Status);
        idp.Instead = null;
        Assert.Equal(200, (await PresentAsync(sts, idp.Token())).Status);
    }

    [Fact]
    public async Task A_document_that_is_redirected_too_large_or_none_gives_no_keys()
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        Func<HttpContext, Task>[] answers =
        [
            context =>
            {
                context.Response.Redirect("https://elsewhere.example.com/jwks");
                return Task.CompletedTask;
            },
            context =>
            {
                context.Response.StatusCode = (int)HttpStatusCode.Created;
                return context.Response.WriteAsync(idp.Document());
            },
            context => context.Response.WriteAsync(idp.Document()[..^1] + $",\"padding\":\"{new string('x', 262_144)}\"}}"),
            context => context.Response.WriteAsync("not json"),
            context => context.Response.WriteAsync("""{"keys":{}}"""),
            context => context.Response.WriteAsync("""{"keys":[]}"""),
        ];
        foreach (var instead in answers)
        {
            await sts.SqlAsync("UPDATE subject_issuers SET jwks_url = jwks_url || 'x'");
            idp.Instead = instead;
            Assert.Equal(401, (await PresentAsync(sts, idp.Token())).Status);
        }
    }

    [Fact]
    public async Task A_lifetime_above_the_cap_and_a_wrong_secret_are_refused_before_the_token_is_looked_at()
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        Assert.Equal((400, "invalid_token"), Of(await PresentAsync(sts, idp.Token(), ("ttl_seconds", "3601"))));
        Assert.Equal((401, "access_denied"), Of(await PresentAsync(sts, idp.Token(), ("client_secret", "wrong"))));
        Assert.Equal(0, idp.Fetches);
        Assert.Equal(60, (await PresentAsync(sts, idp.Token(), ("ttl_seconds", "60"))).Body.GetProperty("expires_in").GetInt32());
    }

    /// <summary>An STS that knows the identity provider as the issuer of its zone's users.</summary>
    internal static async Task<StsHarness> StartAsync(
        IdentityProvider? idp, Engine engine = Engine.Sqlite, TimeProvider? time = null, params (string Name, string Value)[] variables)
    {
        var sts = await StsHarness.StartAsync(engine, idp?.Handler, time, variables);
        var now = DateTimeOffset.UtcNow;
        await sts.SqlAsync(
            """
            INSERT INTO subject_issuers (id, zone_id, issuer, jwks_url, audience, created_at, updated_at)
            VALUES ('iss-1', 'zone-1', @Issuer, @JwksUrl, 'caracal', @now, @now)
            """,
            new { IdentityProvider.Issuer, IdentityProvider.JwksUrl, now });
        return sts;
    }

    internal static Task<Answer> PresentAsync(StsHarness sts, string token, params (string Name, string? Value)[] more) =>
        sts.PostAsync(StsHarness.Bootstrap(
            [("resource", null), ("scope", null), ("subject_token", token), ("subject_token_type", IdentityProvider.IdTokenType), .. more]));

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
