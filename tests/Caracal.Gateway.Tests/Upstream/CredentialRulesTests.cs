using Caracal.Authority.Upstreams;
using Caracal.Protocol.Exchange;

namespace Caracal.Gateway.Tests.Upstream;

public sealed class CredentialRulesTests
{
    [Theory]
    [InlineData("Connection")]
    [InlineData("content-length")]
    [InlineData("HOST")]
    [InlineData("X-Caracal-Token")]
    [InlineData("x-forwarded-for")]
    [InlineData("Proxy-Anything")]
    [InlineData("X-Request-Id")]
    [InlineData("TraceParent")]
    [InlineData("Bad Name")]
    [InlineData("Bad:Name")]
    [InlineData("Bäd")]
    public void Refuses_a_header_that_must_not_carry_a_credential(string header) =>
        Assert.Equal(InjectionOutcome.Unbuildable, Plan(new() { AuthMode = "provider_oauth", ProviderToken = "t", AuthHeader = header }).Outcome);

    [Theory]
    [InlineData("")]
    [InlineData("something_else")]
    public void Refuses_an_unknown_mode(string mode) =>
        Assert.Equal(InjectionOutcome.Unbuildable, Plan(new() { AuthMode = mode, ProviderToken = "t" }).Outcome);

    [Theory]
    [InlineData("provider_oauth", null)]
    [InlineData("provider_apikey", "query")]
    public void Fails_closed_without_a_provider_token(string mode, string? location) =>
        Assert.Equal(
            InjectionOutcome.CredentialMissing,
            Plan(new() { AuthMode = mode, AuthLocation = location, QueryParamName = "k" }).Outcome);

    [Fact]
    public void Refuses_a_query_key_without_a_name_and_a_token_that_breaks_the_line()
    {
        Assert.Equal(InjectionOutcome.Unbuildable, Plan(new() { AuthMode = "provider_apikey", AuthLocation = "query", ProviderToken = "t" }).Outcome);
        Assert.Equal(InjectionOutcome.Unbuildable, Plan(new() { AuthMode = "provider_apikey", ProviderToken = "t\r\nX: y", AuthHeader = "X-Key" }).Outcome);
    }

    [Theory]
    [InlineData("caracal_jwt", null, null, null, "Authorization", "Bearer the-mandate")]
    [InlineData("caracal_jwt", "X-Auth", "Token", null, "X-Auth", "Token the-mandate")]
    [InlineData("provider_oauth", null, "Bearer", "tok", "Authorization", "Bearer tok")]
    [InlineData("provider_oauth", null, "", "tok", "Authorization", "tok")]
    [InlineData("provider_oauth", null, "Basic", "dXNlcjpwYXNz", "Authorization", "Basic dXNlcjpwYXNz")]
    [InlineData("provider_apikey", "X-Api-Key", null, "tok", "X-Api-Key", "tok")]
    [InlineData("provider_apikey", "X-Api-Key", "Key", "tok", "X-Api-Key", "Key tok")]
    public void Puts_the_credential_in_its_header(string mode, string? header, string? scheme, string? token, string expectedHeader, string expectedValue)
    {
        var (outcome, injection) = Plan(new() { AuthMode = mode, AuthHeader = header, AuthScheme = scheme, ProviderToken = token });
        Assert.Equal(InjectionOutcome.Ready, outcome);
        Assert.Equal((expectedHeader, null, expectedValue), (injection.Header, injection.QueryKey, injection.Value));
    }

    [Fact]
    public void None_injects_nothing() => Assert.Equal((InjectionOutcome.Ready, default(Injection)), Plan(new() { AuthMode = "none" }));

    [Theory]
    [InlineData("api.example.com", true)]
    [InlineData("API.example.com", true)]
    [InlineData("evil.example.com", false)]
    [InlineData("", false)]
    public void A_credential_goes_only_to_named_hosts(string allowed, bool expected)
    {
        Assert.Equal(expected, CredentialRules.MayGoTo(new() { AllowedTokenHosts = [allowed] }, "api.example.com"));
        Assert.True(CredentialRules.MayGoTo(new(), "api.example.com"));
    }

    private static (InjectionOutcome Outcome, Injection Injection) Plan(UpstreamDirective directive) =>
        (CredentialRules.TryPlan(directive, "the-mandate", out var injection), injection);
}
