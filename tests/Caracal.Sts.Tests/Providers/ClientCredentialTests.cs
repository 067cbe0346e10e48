using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Caracal.Sts.Tests.Servers;
using Caracal.TestKit;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Tests.Providers;

/// <summary>sts.md 9.2 against an authorization server over TLS: every way of being its client, and every way it can fail.</summary>
public sealed class ClientCredentialTests
{
    private const string Kind = "oauth2_client_credentials";

    [Theory]
    [InlineData(Engine.Sqlite, "basic", null)]
    [InlineData(Engine.Sqlite, "basic", "client_secret_basic")]
    [InlineData(Engine.Postgres, "post", "client_secret_post")]
    [InlineData(Engine.Sqlite, "none", "none")]
    public async Task A_client_with_a_secret_or_none_gets_its_token(Engine engine, string server, string? method)
    {
        await using var idp = await OAuthServer.StartAsync();
        idp.Authentication = server;
        await using var sts = await StsHarness.StartAsync(engine, idp.Handler);
        object more = method is null
            ? new { scopes = new[] { "a", "b" } }
            : new { client_auth_method = method, scopes = new[] { "a", "b" }, audience = "aud", resource = "res", token_params = new { tenant = " t1 " } };
        await OAuthProvider.ConfigureAsync(sts, Kind, more, ("client_secret", OAuthServer.ClientSecret));
        var answer = await OAuthProvider.CallAsync(sts);
        Assert.Equal(200, answer.Status);
        var directive = OAuthProvider.Directive(answer);
        Assert.Equal(("provider_oauth", "Authorization", "Bearer", "at-1", "prov-oauth"), (
            directive.GetProperty("auth_mode").GetString(), directive.GetProperty("auth_header").GetString(), directive.GetProperty("auth_scheme").GetString(),
            OAuthProvider.Token(answer), directive.GetProperty("provider_id").GetString()));
        Assert.InRange(directive.GetProperty("expires_at").GetInt64() - sts.Clock.Now.ToUnixTimeSeconds(), 290, 300);
        Assert.False(directive.TryGetProperty("allowed_token_hosts", out _));
        var form = Assert.Single(idp.Forms);
        Assert.Equal(("client_credentials", "a b"), (form["grant_type"], form["scope"]));
        if (method is not null)
        {
            Assert.Equal(("aud", "res", "t1"), (form["audience"], form["resource"], form["tenant"]));
        }
    }

    [Theory]
    [InlineData("rsa-pkcs8", "RS256")]
    [InlineData("rsa-pkcs1", "RS256")]
    [InlineData("p256", "ES256")]
    [InlineData("p384", "ES384")]
    [InlineData("p521", "ES512")]
    public async Task A_client_with_a_key_asserts_itself(string key, string algorithm)
    {
        var (pem, publicPem, certificate) = MakeKey(key);
        await using var idp = await OAuthServer.StartAsync();
        idp.Authentication = "jwt";
        idp.PublicKeyPem = publicPem;
        await using var sts = await StsHarness.StartAsync(Engine.Sqlite, idp.Handler);
        await OAuthProvider.ConfigureAsync(
            sts, Kind, new { client_auth_method = "private_key_jwt", key_id = "k1", certificate = certificate.ExportCertificatePem() }, ("private_key", pem));
        Assert.Equal("at-1", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
        var assertion = Assert.Single(idp.Assertions);
        Assert.Equal((algorithm, "k1"), (assertion.Header.GetProperty("alg").GetString(), assertion.Header.GetProperty("kid").GetString()));
        Assert.Equal(
            System.Buffers.Text.Base64Url.EncodeToString(SHA256.HashData(certificate.RawData)), assertion.Header.GetProperty("x5t#S256").GetString());
        Assert.Equal(System.Buffers.Text.Base64Url.EncodeToString(Convert.FromHexString(certificate.Thumbprint)), assertion.Header.GetProperty("x5t").GetString());
        Assert.Equal((OAuthServer.ClientId, OAuthServer.ClientId, OAuthServer.Endpoint), (
            assertion.Claim("iss").GetString(), assertion.Claim("sub").GetString(), assertion.Claim("aud").GetString()));
        Assert.Equal(60, assertion.Claim("exp").GetInt64() - assertion.Claim("iat").GetInt64());
        certificate.Dispose();
    }

    [Theory]
    [InlineData("none", null)]
    [InlineData("basic", "client_secret_basic")]
    public async Task The_jwt_bearer_grant_asserts_the_subject(string server, string? method)
    {
        var (pem, publicPem, certificate) = MakeKey("rsa-pkcs8");
        certificate.Dispose();
        await using var idp = await OAuthServer.StartAsync();
        idp.Authentication = server;
        idp.PublicKeyPem = publicPem;
        await using var sts = await StsHarness.StartAsync(Engine.Sqlite, idp.Handler);
        var more = new Dictionary<string, object> { ["grant_type"] = "jwt_bearer", ["assertion_subject"] = "robot@example.com", ["assertion_audience"] = "https://login.example.com/", ["scopes"] = new[] { "x", "y" } };
        if (method is not null)
        {
            more["client_auth_method"] = method;
        }

        await OAuthProvider.ConfigureAsync(sts, Kind, more, ("private_key", pem), ("client_secret", OAuthServer.ClientSecret));
        Assert.Equal("at-1", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
        var form = Assert.Single(idp.Forms);
        Assert.Equal("urn:ietf:params:oauth:grant-type:jwt-bearer", form["grant_type"]);
        Assert.False(form.ContainsKey("scope"));
        var assertion = Assert.Single(idp.Assertions);
        Assert.Equal(("robot@example.com", "https://login.example.com/", "x y"), (
            assertion.Claim("sub").GetString(), assertion.Claim("aud").GetString(), assertion.Claim("scope").GetString()));
        Assert.Equal(300, assertion.Claim("exp").GetInt64() - assertion.Claim("iat").GetInt64());
    }

    [Fact]
    public async Task Many_calls_at_once_ask_once_and_later_ones_not_at_all()
    {
        await using var idp = await OAuthServer.StartAsync();
        idp.Delay = TimeSpan.FromMilliseconds(200);
        await using var sts = await StsHarness.StartAsync(Engine.Sqlite, idp.Handler);
        await OAuthProvider.ConfigureAsync(sts, Kind, null, ("client_secret", OAuthServer.ClientSecret));
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => OAuthProvider.CallAsync(sts)));
        Assert.All(answers, answer => Assert.Equal("at-1", OAuthProvider.Token(answer)));
        Assert.Equal("at-1", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
        Assert.Equal(1, idp.Requests);
        Assert.Contains("caracal_sts_provider_refresh_shared_total", await sts.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_about_to_end_and_a_changed_secret_are_asked_for_anew()
    {
        await using var idp = await OAuthServer.StartAsync();
        idp.ExpiresIn = 29;
        await using var sts = await StsHarness.StartAsync(Engine.Sqlite, idp.Handler);
        await OAuthProvider.ConfigureAsync(sts, Kind, null, ("client_secret", OAuthServer.ClientSecret));
        Assert.Equal("at-1", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
        Assert.Equal("at-2", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
        idp.ExpiresIn = 3000;
        Assert.Equal("at-3", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
        Assert.Equal("at-3", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
        await OAuthProvider.ConfigureAsync(sts, Kind, null, ("client_secret", "another"));
        Assert.Equal((502, "http_request_failed"), Of(await OAuthProvider.CallAsync(sts)));
    }

    [Theory]
    [InlineData(200, """{"access_token":"ok\r\nX-Injected: 1"}""")]
    [InlineData(200, """{"access_token":""}""")]
    [InlineData(200, """{"access_token":"ok","token_type":"mac"}""")]
    [InlineData(200, """["access_token"]""")]
    [InlineData(200, "not json")]
    [InlineData(201, """{"access_token":"ok"}""")]
    [InlineData(302, "")]
    [InlineData(400, """{"error":"invalid_request"}""")]
    public async Task An_answer_that_is_no_bearer_token_is_502_and_not_asked_for_twice(int status, string body)
    {
        await using var idp = await OAuthServer.StartAsync();
        idp.Instead = async (context, _) =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = "https://elsewhere.example.com/token";
            await context.Response.WriteAsync(body);
            return true;
        };
        await using var sts = await StsHarness.StartAsync(Engine.Sqlite, idp.Handler);
        await OAuthProvider.ConfigureAsync(sts, Kind, null, ("client_secret", OAuthServer.ClientSecret));
        Assert.Equal((502, "http_request_failed"), Of(await OAuthProvider.CallAsync(sts)));
        Assert.Equal(1, idp.Requests);
        Assert.Contains("provider_credential_unavailable", await sts.DenialsAsync());
        Assert.DoesNotContain(await sts.EventsAsync(), e => e.GetRawText().Contains("s3cr:t", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_huge_answer_is_none()
    {
        await using var idp = await OAuthServer.StartAsync();
        idp.Instead = async (context, _) =>
        {
            await context.Response.WriteAsync($$"""{"access_token":"ok","padding":"{{new string('x', 65_536)}}"}""");
            return true;
        };
        await using var sts = await StsHarness.StartAsync(Engine.Sqlite, idp.Handler);
        await OAuthProvider.ConfigureAsync(sts, Kind, null, ("client_secret", OAuthServer.ClientSecret));
        Assert.Equal((502, "http_request_failed"), Of(await OAuthProvider.CallAsync(sts)));
    }

    [Fact]
    public async Task Another_token_type_is_taken_when_the_scheme_is_configured()
    {
        await using var idp = await OAuthServer.StartAsync();
        idp.Instead = async (context, _) =>
        {
            await context.Response.WriteAsync("""{"access_token":"ok","token_type":"pop","expires_in":"120"}""");
            return true;
        };
        await using var sts = await StsHarness.StartAsync(Engine.Sqlite, idp.Handler);
        await OAuthProvider.ConfigureAsync(sts, Kind, new { auth_scheme = "PoP", auth_header = "X-Upstream" }, ("client_secret", OAuthServer.ClientSecret));
        var directive = OAuthProvider.Directive(await OAuthProvider.CallAsync(sts));
        Assert.Equal(("PoP", "X-Upstream"), (directive.GetProperty("auth_scheme").GetString(), directive.GetProperty("auth_header").GetString()));
        Assert.InRange(directive.GetProperty("expires_at").GetInt64() - sts.Clock.Now.ToUnixTimeSeconds(), 110, 120);
    }

    [Fact]
    public async Task A_server_that_stumbles_is_asked_again_and_one_that_falls_is_left_alone()
    {
        await using var idp = await OAuthServer.StartAsync();
        idp.Instead = (context, _) =>
        {
            context.Response.StatusCode = idp.Requests == 1 ? 503 : 200;
            return Task.FromResult(idp.Requests == 1);
        };
        await using var sts = await StsHarness.StartAsync(Engine.Sqlite, idp.Handler);
        await OAuthProvider.ConfigureAsync(sts, Kind, null, ("client_secret", OAuthServer.ClientSecret));
        Assert.Equal(200, (await OAuthProvider.CallAsync(sts)).Status);
        Assert.Equal(2, idp.Requests);

        idp.Instead = (context, _) =>
        {
            context.Response.StatusCode = 503;
            return Task.FromResult(true);
        };
        await OAuthProvider.ConfigureAsync(sts, Kind, new { audience = "new" }, ("client_secret", OAuthServer.ClientSecret));
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(502, (await OAuthProvider.CallAsync(sts)).Status);
        }

        Assert.Equal(12, idp.Requests);
        idp.Instead = null;
        Assert.Equal(502, (await OAuthProvider.CallAsync(sts)).Status);
        Assert.Equal(12, idp.Requests);
        await sts.State.DeleteAsync("provider-refresh-circuit:prov-oauth", CancellationToken.None);
        Assert.Equal(200, (await OAuthProvider.CallAsync(sts)).Status);
        Assert.Null(await sts.State.GetAsync("provider-refresh-circuit:prov-oauth", CancellationToken.None));
        Assert.Equal(1, await sts.State.IncrementAsync("provider-refresh-failures:prov-oauth", TimeSpan.FromMinutes(5), CancellationToken.None));
    }

    [Fact]
    public async Task A_configuration_that_breaks_a_rule_sends_nothing()
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StsHarness.StartAsync(Engine.Sqlite, idp.Handler);
        object[] broken =
        [
            new { token_endpoint = "http://login.example.com/token" }, new { token_endpoint = "https://user@login.example.com/token" },
            new { token_endpoint = "https://evil.example.com/token" }, new { allowed_token_hosts = Array.Empty<string>() },
            new { allowed_token_hosts = new[] { "example.com" } }, new { client_id = "" }, new { client_auth_method = "tls_client_auth" },
            new { client_auth_method = "private_key_jwt" }, new { grant_type = "password" }, new { grant_type = "jwt_bearer" },
            new { token_params = new { client_secret = "x" } }, new { token_params = new { a = " " } }, new { scopes = "a b" },
            new { auth_header = "bad header" }, new { auth_scheme = "bad scheme" },
        ];
        foreach (var config in broken)
        {
            await OAuthProvider.ConfigureAsync(sts, Kind, config, ("client_secret", OAuthServer.ClientSecret));
            Assert.Equal((502, "http_request_failed"), Of(await OAuthProvider.CallAsync(sts)));
        }

        await OAuthProvider.ConfigureAsync(sts, Kind, null);
        Assert.Equal(502, (await OAuthProvider.CallAsync(sts)).Status);
        await OAuthProvider.ConfigureAsync(sts, Kind, new { client_auth_method = "private_key_jwt" }, ("private_key", "-----BEGIN NONSENSE-----"));
        Assert.Equal(502, (await OAuthProvider.CallAsync(sts)).Status);
        Assert.Equal(0, idp.Requests);
    }

    // sts.md 9.6: the guard itself, with a server that would answer.
    [Theory]
    [InlineData("localhost")]
    [InlineData("127.0.0.1")]
    [InlineData("[::ffff:127.0.0.1]")]
    public async Task The_guard_lets_no_secret_reach_this_machine(string host)
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StsHarness.StartAsync(("CARACAL_PRIVATE_EGRESS_HOSTS", "localhost,127.0.0.1,::ffff:127.0.0.1"));
        await OAuthProvider.ConfigureAsync(
            sts, Kind, new { token_endpoint = $"https://{host}:{idp.Port}/token", allowed_token_hosts = new[] { host.Trim('[', ']') } }, ("client_secret", OAuthServer.ClientSecret));
        Assert.Equal((502, "http_request_failed"), Of(await OAuthProvider.CallAsync(sts)));
        Assert.Equal(0, idp.Requests);
    }

    [Fact]
    public async Task Without_shared_state_nothing_is_asked_and_the_answer_is_503()
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StsHarness.StartAsync(Engine.Sqlite, idp.Handler);
        await OAuthProvider.ConfigureAsync(sts, Kind, null, ("client_secret", OAuthServer.ClientSecret));
        var gateway = await sts.MintAsync(("resource", OAuthProvider.Resource), ("scope", "open:use"));
        sts.State.Broken = true;
        Assert.Equal((503, "sts_unavailable"), Of(await sts.ExchangeAsync(gateway, resource: OAuthProvider.Resource)));
        Assert.Equal(0, idp.Requests);
    }

    private static (string Pem, string PublicPem, X509Certificate2 Certificate) MakeKey(string kind)
    {
        var now = DateTimeOffset.UtcNow;
        if (kind.StartsWith("rsa", StringComparison.Ordinal))
        {
            using var rsa = RSA.Create(2048);
            var request = new CertificateRequest("CN=client", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            return (
                kind == "rsa-pkcs1" ? rsa.ExportRSAPrivateKeyPem() : rsa.ExportPkcs8PrivateKeyPem(),
                rsa.ExportSubjectPublicKeyInfoPem(), request.CreateSelfSigned(now, now.AddDays(1)));
        }

        using var ec = ECDsa.Create(kind switch
        {
            "p256" => ECCurve.NamedCurves.nistP256,
            "p384" => ECCurve.NamedCurves.nistP384,
            _ => ECCurve.NamedCurves.nistP521,
        });
        return (
            kind == "p256" ? ec.ExportECPrivateKeyPem() : ec.ExportPkcs8PrivateKeyPem(),
            ec.ExportSubjectPublicKeyInfoPem(), new CertificateRequest("CN=client", ec, HashAlgorithmName.SHA256).CreateSelfSigned(now, now.AddDays(1)));
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);
}
