using Caracal.Sdk.Tests.Support;
using Caracal.Testing;
using Caracal.Verifier;

namespace Caracal.Sdk.Tests;

/// <summary>The offline kit judges as the product does, because it is the product's verifier.</summary>
public sealed class TestingKitTests : IDisposable
{
    private const string Reports = "resource://reports";

    private readonly TestSts _sts = new();

    public void Dispose() => _sts.Dispose();

    [Fact]
    public async Task A_minted_mandate_is_accepted_by_the_real_verifier_until_it_is_revoked()
    {
        using var verifier = new MandateVerifier(_sts.VerifierOptions(Reports) with { Requirements = new MandateRequirements { RequiredScopes = ["reports:read"] } });
        var token = _sts.Mint(new TestMandate(Reports) { Scopes = ["reports:read"] });
        Assert.True((await verifier.VerifyAsync(token)).IsAccepted(out var principal));
        Assert.Equal(TestMandate.DefaultSession, principal.SessionId);
        Assert.Equal("insufficient_scope", await FailureAsync(verifier, new TestMandate(Reports)));
        Assert.Equal("invalid_token", await FailureAsync(verifier, new TestMandate("resource://other") { Scopes = ["reports:read"] }));
        Assert.Equal("invalid_token", await FailureAsync(verifier, new TestMandate(Reports) { Scopes = ["reports:read"], Lifetime = TimeSpan.FromMinutes(-5) }));
        await _sts.Revocations.MarkRevokedAsync(TestMandate.DefaultSession);
        Assert.Equal("session_revoked", (await verifier.VerifyAsync(token)).Failure!.Code);
        using var other = new TestSts();
        Assert.Equal("invalid_token", (await verifier.VerifyAsync(other.Mint(new TestMandate(Reports)))).Failure!.Code);
    }

    [Fact]
    public async Task A_client_works_against_it_and_meets_the_refusals_a_test_wants()
    {
        await using var client = CaracalClient.FromOptions(new CaracalOptions
        {
            ZoneId = _sts.ZoneId,
            ApplicationId = "app",
            ClientSecret = "secret",
            StsUrl = _sts.Issuer,
            CoordinatorUrl = "https://coordinator.test",
            Resources = [Reports],
            Http = _sts.Handler,
        });
        var end = new LastStop();
        using var http = new HttpClient(client.CreateApplicationHandler(Reports, new ApplicationTransportOptions { Scopes = ["reports:read"], Inner = end })) { BaseAddress = new Uri("http://localhost:8081") };
        await http.GetAsync("/today");
        Assert.Single(end.Requests);
        Assert.Equal(["reports:read"], _sts.Exchanges[^1].Scopes);
        _sts.Refuse = exchange => exchange.Scopes.Contains("reports:read") ? ("access_denied", "policy denied") : null;
        Assert.Equal("access_denied", (await Assert.ThrowsAsync<CaracalException>(() => http.GetAsync("/today"))).Code);
    }

    private async Task<string> FailureAsync(MandateVerifier verifier, TestMandate mandate) => (await verifier.VerifyAsync(_sts.Mint(mandate))).Failure!.Code;
}
