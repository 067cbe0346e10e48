using Caracal.Verifier.Revocations;
using Caracal.Verifier.Tests.Support;

namespace Caracal.Verifier.Tests;

/// <summary>V4 of gateway.md, line by line.</summary>
public sealed class VectorTests
{
    private readonly InMemoryRevocationStore _revocations = new();

    [Fact]
    public async Task Without_requirements_the_token_is_accepted_and_every_claim_is_read()
    {
        using var verifier = Verifier();
        var result = await verifier.VerifyAsync(VectorV4.Token);
        Assert.Null(result.Failure);
        Assert.True(result.IsAccepted(out var principal));
        Assert.Equal(
            ("user-1", "app-1", "read write", "ar-1", "ar-root", "sess-child", "edge-1", 1, (long?)7),
            (principal.Sub, principal.ClientId, principal.Scope, principal.AuthorityRecordId, principal.RootAuthorityRecordId,
                principal.SessionId, principal.DelegationId, principal.HopCount, principal.GraphEpoch));
        Assert.Equal(["app-parent", "app-1"], principal.DelegationChain.Select(hop => hop.ApplicationId));
        Assert.Equal("sess-parent", principal.DelegationChain[0].SessionId);
        Assert.Equal(("resource", "user", "sess-parent", "sess-child"), (principal.Use, principal.SubType, principal.SourceSessionId, principal.TargetSessionId));
        Assert.Equal(["edge-1"], principal.DelegationPath);
        Assert.Equal(new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero), principal.ExpiresAt);
        Assert.True(principal.ChainContains("app-parent") && principal.ChainContains("app-1") && !principal.ChainContains("app-x"));
    }

    [Fact]
    public async Task A_scope_it_lacks_is_403() =>
        await RefusesAsync(403, "insufficient_scope", "Missing scope: admin", new() { RequiredScopes = ["read", "admin"] });

    [Fact]
    public async Task An_application_its_chain_lacks_is_403() =>
        await RefusesAsync(403, "chain_mismatch", "Delegation chain missing application: app-x", new() { RequireChainContains = ["app-x"] });

    [Fact]
    public async Task Another_use_is_401() =>
        await RefusesAsync(401, "invalid_token", "Token validation failed", new() { RequiredUse = "session" });

    [Fact]
    public async Task Another_zone_is_401()
    {
        using var verifier = Verifier(zone: "zone-2");
        var failure = (await verifier.VerifyAsync(VectorV4.Token)).Failure;
        Assert.Equal((401, "invalid_zone", "Token zone validation failed"), (failure!.Status, failure.Code, failure.Description));
    }

    [Fact]
    public async Task Another_audience_is_401()
    {
        using var verifier = Verifier(audience: "resource://x");
        Assert.Equal("invalid_token", (await verifier.VerifyAsync(VectorV4.Token)).Failure!.Code);
    }

    [Theory]
    [InlineData("ar-root")]
    [InlineData("ar-1")]
    [InlineData("sess-child")]
    [InlineData("edge-1")]
    public async Task A_revoked_anchor_is_401(string anchor)
    {
        await _revocations.MarkRevokedAsync(anchor);
        await RefusesAsync(401, "session_revoked", "Session revoked", new());
    }

    [Theory]
    [InlineData(8, true)]
    [InlineData(7, false)]
    [InlineData(6, false)]
    public async Task Only_a_newer_epoch_makes_it_stale(long epoch, bool stale)
    {
        await _revocations.MarkDelegationEpochAsync("zone-1", epoch);
        using var verifier = Verifier();
        Assert.Equal(stale ? "delegation_stale" : null, (await verifier.VerifyAsync(VectorV4.Token)).Failure?.Code);
    }

    private async Task RefusesAsync(int status, string code, string description, MandateRequirements requirements)
    {
        using var verifier = Verifier();
        var failure = (await verifier.VerifyAsync(VectorV4.Token, requirements)).Failure;
        Assert.Equal((status, code, description), (failure!.Status, failure.Code, failure.Description));
    }

    private MandateVerifier Verifier(string zone = VectorV4.Zone, string audience = VectorV4.Audience) => new(new MandateVerifierOptions
    {
        Issuer = VectorV4.Issuer,
        Audience = audience,
        ZoneId = zone,
        Revocations = _revocations,
        Http = new HttpMessageInvoker(new JwksHandler(VectorV4.Jwks)),
    });
}
