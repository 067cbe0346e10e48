using System.Text;
using System.Text.Json;
using Caracal.Authority.Providers;

namespace Caracal.Authority.Tests.Providers;

public sealed class ProviderConfigReaderTests
{
    private const string Client = "\"token_endpoint\":\"https://id.example/token\",\"client_id\":\"c\"";

    private const string Code =
        "\"authorization_endpoint\":\"https://id.example/auth\",\"token_endpoint\":\"https://id.example/token\",\"redirect_uri\":\"https://us.example/cb\",\"client_id\":\"c\",\"client_secret\":\"s\"";

    [Theory]
    [InlineData("none", """{"username":"x"}""")]
    [InlineData("none", """{"allow_runtime_injection":"yes"}""")]
    [InlineData("http_basic", """{"username":"u"}""")]
    [InlineData("http_basic", """{"username":"u","password":"a\tb"}""")]
    [InlineData("http_basic", """{"username":"u","password":"p","allow_runtime_injection":true}""")]
    [InlineData("api_key", """{"api_key":"k"}""")]
    [InlineData("api_key", """{"auth_location":"body","header_name":"X","api_key":"k"}""")]
    [InlineData("api_key", """{"auth_location":"query","query_param_name":"a b","api_key":"k"}""")]
    [InlineData("api_key", """{"auth_location":"query","query_param_name":"a","auth_scheme":"Key","api_key":"k"}""")]
    [InlineData("api_key", """{"header_name":"X-Caracal-Id","api_key":"k"}""")]
    [InlineData("api_key", """{"header_name":"Proxy-Key","api_key":"k"}""")]
    [InlineData("api_key", """{"header_name":"X","api_key":""}""")]
    [InlineData("api_key", """{"header_name":"X","api_key":"k","allowed_token_hosts":[]}""")]
    [InlineData("api_key", """{"header_name":"X","api_key":"k","allowed_token_hosts":["a..b"]}""")]
    [InlineData("api_key", """{"header_name":"X","api_key":"k","auth_scheme":"1x"}""")]
    [InlineData("bearer_token", """{"bearer_token":"bearer x"}""")]
    [InlineData("bearer_token", """{"auth_scheme":"Token","bearer_token":"Token x"}""")]
    [InlineData("oauth2_client_credentials", "{" + Client + "}")]
    [InlineData("oauth2_client_credentials", """{"token_endpoint":"http://id.example/token","client_id":"c","client_secret":"s"}""")]
    [InlineData("oauth2_client_credentials", """{"token_endpoint":"https://u@id.example/token","client_id":"c","client_secret":"s"}""")]
    [InlineData("oauth2_client_credentials", "{" + Client + ""","client_secret":"s","grant_type":"password"}""")]
    [InlineData("oauth2_client_credentials", "{" + Client + ""","client_secret":"s","key_id":"k"}""")]
    [InlineData("oauth2_client_credentials", "{" + Client + ""","client_secret":"s","assertion_subject":"k"}""")]
    [InlineData("oauth2_client_credentials", "{" + Client + ""","client_secret":"s","scopes":[]}""")]
    [InlineData("oauth2_client_credentials", "{" + Client + ""","client_secret":"s","token_params":{"grant_type":"x"}}""")]
    [InlineData("oauth2_client_credentials", "{" + Client + ""","client_auth_method":"private_key_jwt","private_key":"nope"}""")]
    [InlineData("oauth2_client_credentials", "{" + Client + ""","client_auth_method":"private_key_jwt","client_secret":"s"}""")]
    [InlineData("oauth2_client_credentials", "{" + Client + ""","grant_type":"jwt_bearer","audience":"a"}""")]
    [InlineData("oauth2_client_credentials", "{" + Client + ""","grant_type":"jwt_bearer","client_auth_method":"private_key_jwt"}""")]
    [InlineData("oauth2_authorization_code", "{" + Code + ""","client_auth_method":"private_key_jwt"}""")]
    [InlineData("oauth2_authorization_code", "{" + Code + ""","authorization_params":{"state":"x"}}""")]
    [InlineData("oauth2_authorization_code", "{" + Code + ""","revocation_endpoint":"https://other.example/r"}""")]
    [InlineData("oauth2_authorization_code", "{" + Code + ""","audience":"x"}""")]
    public void Refuses_what_the_matrix_does_not_allow(string kind, string config)
    {
        var result = ProviderConfigReader.Read(kind, JsonDocument.Parse(config).RootElement, []);
        Assert.Null(result.Config);
        Assert.NotEmpty(result.Problem!);
    }

    [Theory]
    [InlineData("none", "{}", "{}")]
    [InlineData("caracal_mandate", """{"allow_runtime_injection":true}""", """{"allow_runtime_injection":true}""")]
    [InlineData("http_basic", """{"username":" u ","password":"p"}""", """{"username":"u"}""")]
    [InlineData("api_key", """{"header_name":"X-Key","api_key":"k"}""", """{"auth_location":"header","header_name":"X-Key"}""")]
    [InlineData("bearer_token", """{"bearer_token":"x"}""", "{}")]
    [InlineData(
        "oauth2_client_credentials",
        "{" + Client + ""","client_secret":"s"}""",
        """{"allowed_token_hosts":["id.example"],"client_auth_method":"client_secret_basic","client_id":"c","grant_type":"client_credentials","token_endpoint":"https://id.example/token"}""")]
    [InlineData(
        "oauth2_authorization_code",
        "{" + Code + "}",
        """{"allowed_token_hosts":["id.example"],"authorization_endpoint":"https://id.example/auth","client_auth_method":"client_secret_basic","client_id":"c","redirect_uri":"https://us.example/cb","token_endpoint":"https://id.example/token"}""")]
    public void Stores_the_normalised_public_part_without_secrets(string kind, string config, string stored)
    {
        var result = ProviderConfigReader.Read(kind, JsonDocument.Parse(config).RootElement, []);
        Assert.Null(result.Problem);
        Assert.Equal(stored, Public(result.Config!));
    }

    [Fact]
    public void Takes_a_stored_secret_for_one_that_was_not_sent_again()
    {
        var config = JsonDocument.Parse("{" + Client + "}").RootElement;
        Assert.NotNull(ProviderConfigReader.Read("oauth2_client_credentials", config, ["client_secret"]).Config);
    }

    [Fact]
    public void Accepts_a_private_key_that_parses_and_a_certificate_that_matches_it()
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        using var other = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest(
            "CN=client", key, System.Security.Cryptography.HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(now, now.AddYears(1));
        string Config(System.Security.Cryptography.ECDsa signer) => JsonSerializer.Serialize(new Dictionary<string, string>
        {
            ["token_endpoint"] = "https://id.example/token",
            ["client_id"] = "c",
            ["client_auth_method"] = "private_key_jwt",
            ["private_key"] = signer.ExportPkcs8PrivateKeyPem(),
            ["certificate"] = certificate.ExportCertificatePem(),
        });
        Assert.Null(ProviderConfigReader.Read("oauth2_client_credentials", JsonDocument.Parse(Config(key)).RootElement, []).Problem);
        Assert.Equal(
            "certificate does not match private_key",
            ProviderConfigReader.Read("oauth2_client_credentials", JsonDocument.Parse(Config(other)).RootElement, []).Problem);
    }

    private static string Public(ProviderConfig config)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer)) config.Write(writer);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
