using System.Text.Json.Nodes;
using Caracal.Verifier.Revocations;
using Caracal.Verifier.Tests.Support;

namespace Caracal.Verifier.Tests;

public sealed class MandateVerifierTests : IDisposable
{
    private readonly MovedTime _time = new();
    private readonly Minted _key = new();
    private readonly JwksHandler _issuer;
    private readonly InMemoryRevocationStore _revocations = new();

    public MandateVerifierTests() => _issuer = new JwksHandler(Minted.JwksOf(_key));

    public static TheoryData<string, string?> BadClaims => new()
    {
        { "iss", "\"https://sts.example.com/\"" },
        { "iss", null },
        { "aud", "\"resource://other\"" },
        { "aud", "[]" },
        { "exp", null },
        { "exp", "1789999939" }, // 61 s ago
        { "exp", "\"1790000300\"" },
        { "exp", "1790000300.5" },
        { "exp", "9223372036854775807" },
        { "iat", null },
        { "iat", "-1" },
        { "iat", "1790000061" },
        { "nbf", "1790000061" },
        { "jti", null },
        { "jti", "\"\"" },
        { "sub", "null" },
        { "client_id", "7" },
        { "sid", "\"\"" },
        { "root_sid", null },
        { "use", "\"gateway\"" },
        { "use", "\"other\"" },
        { "sub_type", "\"robot\"" },
        { "scope", "[\"read\"]" },
        { "target", "\"resource://api\"" },
        { "target", "[\"\"]" },
        { "target", "[1]" },
        { "delegation_path", "{}" },
        { "delegation_chain", "[{}]" },
        { "delegation_chain", "[{\"application_id\":\"\"}]" },
        { "delegation_chain", "[{\"application_id\":\"a\",\"agent_session_id\":1}]" },
        { "delegation_chain", "[\"app\"]" },
        { "agent_session_id", "1" },
        { "source_session_id", "[]" },
        { "hop_count", "-1" },
        { "hop_count", "1.5" },
        { "hop_count", "\"1\"" },
        { "delegation_graph_epoch", "-1" },
    };

    [Theory]
    [MemberData(nameof(BadClaims))]
    public async Task A_claim_that_is_missing_or_of_the_wrong_shape_is_invalid(string claim, string? value)
    {
        var claims = Minted.Claims(_time.GetUtcNow());
        claims.Remove(claim);
        if (value is not null)
        {
            claims[claim] = JsonNode.Parse(value);
        }

        Assert.Equal("invalid_token", await CodeAsync(_key.Sign(claims)));
    }

    [Theory]
    [InlineData("aud", "\"resource://api\"")]
    [InlineData("nbf", "1790000060")]
    [InlineData("iat", "1790000060")]
    [InlineData("scope", null)]
    [InlineData("target", "null")]
    [InlineData("delegation_chain", "null")]
    [InlineData("agent_session_id", "\"\"")]
    [InlineData("delegation_edge_id", "null")]
    [InlineData("hop_count", "10")]
    public async Task A_claim_at_the_edge_of_what_is_allowed_is_accepted(string claim, string? value)
    {
        var claims = Minted.Claims(_time.GetUtcNow());
        claims.Remove(claim);
        if (value is not null)
        {
            claims[claim] = JsonNode.Parse(value);
        }

        Assert.Null(await CodeAsync(_key.Sign(claims)));
    }

    [Theory]
    [InlineData("zone-2")]
    [InlineData(null)]
    public async Task Another_zone_or_none_is_invalid_zone(string? zone)
    {
        var claims = Minted.Claims(_time.GetUtcNow());
        claims.Remove("zone_id");
        if (zone is not null)
        {
            claims["zone_id"] = zone;
        }

        Assert.Equal("invalid_zone", await CodeAsync(_key.Sign(claims)));
    }

    [Fact]
    public async Task The_leeway_on_expiry_does_not_reach_active_authority()
    {
        var claims = Minted.Claims(_time.GetUtcNow());
        claims["exp"] = _time.GetUtcNow().ToUnixTimeSeconds();
        using var verifier = Verifier();
        var failure = (await verifier.VerifyAsync(_key.Sign(claims))).Failure!;
        Assert.Equal(("invalid_token", "Token expired during execution"), (failure.Code, failure.Description));
    }

    [Fact]
    public async Task Long_work_learns_that_its_authority_has_ended()
    {
        using var verifier = Verifier();
        Assert.True((await verifier.VerifyAsync(_key.Sign(Minted.Claims(_time.GetUtcNow())))).IsAccepted(out var principal));
        Assert.Null(await verifier.CheckActiveAuthorityAsync(principal));
        await _revocations.MarkRevokedAsync("ar-root");
        Assert.Equal("session_revoked", (await verifier.CheckActiveAuthorityAsync(principal))!.Code);
        _time.Advance(TimeSpan.FromSeconds(300));
        Assert.Equal("invalid_token", (await verifier.CheckActiveAuthorityAsync(principal))!.Code);
    }

    [Fact]
    public async Task A_stated_epoch_of_zero_grows_stale_and_an_unstated_one_does_not()
    {
        await _revocations.MarkDelegationEpochAsync("zone-1", 1);
        var claims = Minted.Claims(_time.GetUtcNow());
        Assert.Null(await CodeAsync(_key.Sign(claims)));
        claims["delegation_graph_epoch"] = 0;
        Assert.Equal("delegation_stale", await CodeAsync(_key.Sign(claims)));
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    public async Task No_token_is_a_missing_one(string? token) => Assert.Equal("missing_token", await CodeAsync(token));

    [Fact]
    public async Task Only_ES256_under_a_listed_key_is_accepted()
    {
        var claims = Minted.Claims(_time.GetUtcNow());
        using var stranger = new Minted();
        var good = _key.Sign(claims);
        Assert.Equal("invalid_token", await CodeAsync(stranger.Sign(claims)));
        Assert.Equal("invalid_token", await CodeAsync(_key.Sign(claims, new JsonObject { ["alg"] = "none", ["kid"] = "kid-a" })));
        Assert.Equal("invalid_token", await CodeAsync(_key.Sign(claims, new JsonObject { ["alg"] = "HS256", ["kid"] = "kid-a" })));
        Assert.Equal("invalid_token", await CodeAsync(_key.Sign(claims, new JsonObject { ["alg"] = "ES256" })));
        Assert.Equal("invalid_token", await CodeAsync(_key.Sign(claims, new JsonObject { ["alg"] = "ES256", ["kid"] = "kid-a", ["crit"] = new JsonArray("b64") })));
        Assert.Equal("invalid_token", await CodeAsync(good[..good.LastIndexOf('.')] + "."));
        Assert.Equal("invalid_token", await CodeAsync(good + ".x"));
        Assert.Equal("invalid_token", await CodeAsync("a.b.c"));
    }

    public static TheoryData<MandateRequirements, string> Unmet => new()
    {
        { new() { RequiredScopes = [""] }, "insufficient_scope" },
        { new() { RequiredScopes = ["rea"] }, "insufficient_scope" },
        { new() { RequiredTargets = ["resource://other"] }, "invalid_token" },
        { new() { RequireSession = true }, "session_required" },
        { new() { RequireDelegation = true }, "delegation_required" },
        { new() { RequireChainContains = ["app-1"] }, "chain_mismatch" },
    };

    [Theory]
    [Trait("requirement", "R127")]
    [MemberData(nameof(Unmet))]
    public async Task An_unmet_requirement_has_its_own_code(MandateRequirements requirements, string code)
    {
        using var verifier = Verifier();
        Assert.Equal(code, (await verifier.VerifyAsync(_key.Sign(Minted.Claims(_time.GetUtcNow())), requirements)).Failure!.Code);
    }

    [Theory]
    [Trait("requirement", "R127")]
    [InlineData(0, 10, true)]
    [InlineData(0, 11, false)]
    [InlineData(-5, 11, false)]
    [InlineData(2, 2, true)]
    [InlineData(2, 3, false)]
    public async Task Hops_are_bounded_even_without_a_setting(int maximum, int hops, bool accepted)
    {
        var claims = Minted.Claims(_time.GetUtcNow());
        claims["hop_count"] = hops;
        using var verifier = Verifier();
        var failure = (await verifier.VerifyAsync(_key.Sign(claims), new MandateRequirements { MaxHopCount = maximum })).Failure;
        Assert.Equal(accepted ? null : "hop_count_exceeded", failure?.Code);
    }

    [Fact]
    public async Task A_store_that_throws_revokes()
    {
        using var verifier = new MandateVerifier(Options() with { Revocations = new BrokenStore() });
        Assert.Equal("session_revoked", (await verifier.VerifyAsync(_key.Sign(Minted.Claims(_time.GetUtcNow())))).Failure!.Code);
    }

    [Theory]
    [InlineData("", "resource://api", "zone-1", "Issuer")]
    [InlineData("ftp://x", "resource://api", "zone-1", "Issuer")]
    [InlineData("http://sts.example.com", "resource://api", "zone-1", "https")]
    [InlineData("https://sts.example.com", "", "zone-1", "Audience")]
    [InlineData("https://sts.example.com", "resource://api", " ", "ZoneId")]
    public void Options_that_trust_nobody_or_anybody_do_not_construct(string issuer, string audience, string zone, string named)
    {
        var fault = Assert.Throws<ArgumentException>(() => new MandateVerifier(Options() with { Issuer = issuer, Audience = audience, ZoneId = zone }));
        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_store_does_not_construct() =>
        Assert.Contains("Revocation store required", Assert.Throws<ArgumentException>(() => new MandateVerifier(Options() with { Revocations = null! })).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("http://localhost:8080")]
    [InlineData("http://127.0.0.9:8080")]
    [InlineData("http://[::1]:8080")]
    public void An_issuer_on_this_machine_may_be_http(string issuer)
    {
        using var verifier = new MandateVerifier(Options() with { Issuer = issuer });
    }

    [Fact]
    public void The_environment_names_issuer_and_zone()
    {
        var options = MandateVerifierOptions.FromEnvironment("resource://api", _revocations, new Dictionary<string, string?>
        {
            ["CARACAL_STS_URL"] = "http://sts.internal/",
            ["CARACAL_ZONE_ID"] = "z",
            ["CARACAL_ALLOW_INSECURE_CONFIG_URLS"] = "true",
        });
        Assert.Equal(("http://sts.internal", "z", true), (options.Issuer, options.ZoneId, options.AllowInsecureIssuer));
        using var verifier = new MandateVerifier(options);
    }

    [Fact]
    public void A_result_nobody_set_is_no_acceptance()
    {
        var result = default(VerificationResult);
        Assert.False(result.IsAccepted(out _));
        Assert.Equal("invalid_token", result.Failure!.Code);
    }

    [Theory]
    [InlineData("Bearer abc", "abc")]
    [InlineData("bEaReR   abc ", "abc")]
    [InlineData("Bearer\tabc", "abc")]
    [InlineData("Bearerabc", "")]
    [InlineData("Bearer", "")]
    [InlineData("Bearer   ", "")]
    [InlineData("Basic abc", "")]
    [InlineData(null, "")]
    public void Finds_the_bearer(string? header, string token) => Assert.Equal(token, BearerToken.Find(header));

    [Fact]
    public void A_long_run_of_white_space_costs_linear_time() =>
        Assert.Equal("", BearerToken.Find("Bearer " + new string(' ', 10_000_000)));

    public void Dispose()
    {
        _key.Dispose();
        _issuer.Dispose();
    }

    private async Task<string?> CodeAsync(string? token)
    {
        using var verifier = Verifier();
        return (await verifier.VerifyAsync(token)).Failure?.Code;
    }

    private MandateVerifier Verifier() => new(Options());

    private MandateVerifierOptions Options() => new()
    {
        Issuer = VectorV4.Issuer,
        Audience = VectorV4.Audience,
        ZoneId = VectorV4.Zone,
        Revocations = _revocations,
        Http = new HttpMessageInvoker(_issuer, disposeHandler: false),
        Time = _time,
    };

    private sealed class BrokenStore : IRevocationStore
    {
        public ValueTask<bool> IsRevokedAsync(string anchor, CancellationToken cancellationToken = default) => throw new IOException("gone");

        public ValueTask MarkRevokedAsync(string anchor, TimeSpan? lifetime = null, CancellationToken cancellationToken = default) => throw new IOException("gone");

        public ValueTask<long> CurrentDelegationEpochAsync(string zoneId, CancellationToken cancellationToken = default) => throw new IOException("gone");

        public ValueTask MarkDelegationEpochAsync(string zoneId, long epoch, TimeSpan? lifetime = null, CancellationToken cancellationToken = default) => throw new IOException("gone");
    }
}
