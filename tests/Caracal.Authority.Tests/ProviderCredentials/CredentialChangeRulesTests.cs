using System.Text.Json;
using Caracal.Authority.ProviderCredentials;

namespace Caracal.Authority.Tests.ProviderCredentials;

public sealed class CredentialChangeRulesTests
{
    private const string AuthorizationCode =
        """{"authorization_endpoint":"https://i/a","token_endpoint":"https://i/t","redirect_uri":"https://c/r","client_id":"a"}""";

    [Theory]
    [InlineData(0, 0, 5, 50, false)]
    [InlineData(5, 5, 5, 50, true)]
    [InlineData(4, 4, 5, 50, false)]
    [InlineData(10, 5, 5, 50, true)]
    [InlineData(11, 5, 5, 50, false)]
    [InlineData(1_000, 10, 10, 1, true)]
    [InlineData(0, 0, 0, 1, false)] // a rule nobody wrote does not fall back without a refusal
    public void Falls_back_when_refusals_are_many_and_a_share_of_the_answers(long answers, long refusals, long allowed, long percent, bool expected) =>
        Assert.Equal(expected, CredentialChangeRules.MustFallBack(answers, refusals, allowed, percent));

    [Fact]
    public void Retires_only_after_the_observation_unless_forced()
    {
        var now = DateTimeOffset.UnixEpoch;
        Assert.False(CredentialChangeRules.MayRetire(null, now, force: false));
        Assert.False(CredentialChangeRules.MayRetire(now.AddTicks(1), now, force: false));
        Assert.True(CredentialChangeRules.MayRetire(now, now, force: false));
        Assert.True(CredentialChangeRules.MayRetire(null, now, force: true));
    }

    [Theory]
    [InlineData("api_key", """{"header_name":"x"}""", """{"api_key":"k"}""", "{}")]
    [InlineData("http_basic", """{"allowed_token_hosts":["h"],"username":"a"}""", """{"password":"k"}""", """{"username":"a"}""")]
    [InlineData("http_basic", """{"username":"a"}""", """{"username":"b","password":"k"}""", """{"username":"b"}""")]
    [InlineData("oauth2_client_credentials", """{"token_endpoint":"https://i/t","client_id":"a"}""", """{"client_id":"b","client_secret":"k"}""", """{"client_id":"b"}""")]
    [InlineData("oauth2_authorization_code", AuthorizationCode, """{"client_id":"a","client_secret":"k"}""", """{"client_id":"a"}""")]
    public void A_second_credential_keeps_what_is_not_its_own(string kind, string config, string given, string fields)
    {
        using var document = JsonDocument.Parse(given);
        var staged = CredentialFields.Stage(kind, config, document.RootElement);
        Assert.Null(staged.Problem);
        Assert.Equal(["k"], staged.Config!.Secrets.Values);
        Assert.Equal(fields, staged.Fields);
        Assert.Equal(config, CredentialFields.Replace(CredentialFields.Replace(config, staged.Fields), CredentialFields.Of(config)), ignoreCase: false, ignoreAllWhiteSpace: true);
    }

    [Theory]
    [InlineData("api_key", """{"header_name":"x"}""", """{"header_name":"y","api_key":"k"}""")]
    [InlineData("api_key", """{"header_name":"x"}""", "{}")]
    [InlineData("api_key", """{"header_name":"x"}""", """{"username":"u","api_key":"k"}""")]
    [InlineData("http_basic", """{"username":"a"}""", """{"username":"b"}""")]
    [InlineData("bearer_token", "{}", """{"bearer_token":"Bearer k"}""")]
    [InlineData("oauth2_authorization_code", AuthorizationCode, """{"client_id":"b","client_secret":"k"}""")]
    [InlineData("oauth2_authorization_code", AuthorizationCode, """{"client_id":7,"client_secret":"k"}""")]
    [InlineData("oauth2_client_credentials", """{"token_endpoint":"https://i/t","client_id":"a"}""", """{"token_endpoint":"https://evil/t","client_secret":"k"}""")]
    [InlineData("oauth2_client_credentials", """{"token_endpoint":"https://i/t","client_id":"a","client_auth_method":"none"}""", """{"client_id":"b"}""")]
    public void Refuses_a_credential_that_lacks_its_secret_or_would_change_more_than_itself(string kind, string config, string given)
    {
        using var document = JsonDocument.Parse(given);
        var staged = CredentialFields.Stage(kind, config, document.RootElement);
        Assert.Null(staged.Config);
        Assert.NotNull(staged.Problem);
    }
}
