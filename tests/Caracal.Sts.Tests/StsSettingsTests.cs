namespace Caracal.Sts.Tests;

/// <summary>sts.md 13: defaults and rules; every fault at once, none with a value.</summary>
public sealed class StsSettingsTests
{
    [Fact]
    public void Defaults_are_the_specifications()
    {
        var settings = StsHarness.Read();
        Assert.Equal((3600L, 1000L, 10_000L), (settings.MaximumGrantSeconds, settings.MintLimit, settings.ClientLimit));
        Assert.Equal(("caracal-control", true, false), (settings.ControlAudience, settings.CustomRego, settings.CrossApplicationChains));
        Assert.Equal(TimeSpan.FromSeconds(60), settings.PolicyPoll);
    }

    [Fact]
    [Trait("requirement", "R90")]
    public void The_client_limit_follows_the_mint_limit()
    {
        Assert.Equal(50, StsHarness.Read(("STS_MINT_RATE_LIMIT_PER_MIN", "5")).ClientLimit);
    }

    [Theory]
    [InlineData("ISSUER_URL", "")]
    [InlineData("ISSUER_URL", "ftp://x")]
    [InlineData("ISSUER_URL", "https://u@x")]
    [InlineData("ISSUER_URL", "https://x?q=1")]
    [InlineData("ZONE_KEK", "")]
    [InlineData("ZONE_KEK", "0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("ZONE_KEK", "00112233445566778899aabbccddeeff00112233445566778899aabbccddee")]
    [InlineData("ZONE_KEK", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")]
    [InlineData("GATEWAY_STS_HMAC_KEY", "abc")]
    [InlineData("OPA_POLL_SECONDS", "0")]
    [InlineData("OPA_POLL_SECONDS", "301")]
    [InlineData("MAX_GRANT_TTL_SECONDS", "0")]
    [InlineData("STS_MINT_RATE_LIMIT_PER_MIN", "-1")]
    [InlineData("STS_CLIENT_RATE_LIMIT_PER_MIN", "many")]
    [InlineData("POLICY_CUSTOM_REGO", "perhaps")]
    [InlineData("STS_CROSS_APPLICATION_CHAINS", "perhaps")]
    [InlineData("CARACAL_SECRET_BACKEND", "vault")]
    [InlineData("CARACAL_MODE", "production")]
    public void Refuses(string name, string value)
    {
        var reader = StsHarness.Reader((name, value));
        Assert.Null(StsSettings.Read(reader));
        Assert.Contains(reader.Faults, fault => fault.Contains(name, StringComparison.Ordinal));
        Assert.All(reader.Faults, fault => Assert.DoesNotContain("0123", fault, StringComparison.Ordinal));
    }

    [Fact]
    public void Published_modes_require_the_shared_keys()
    {
        var reader = StsHarness.Reader(("CARACAL_MODE", "rc"), ("PORT", "8080"), ("GATEWAY_STS_HMAC_KEY", ""));
        Assert.Null(StsSettings.Read(reader));
        Assert.Contains(reader.Faults, fault => fault.StartsWith("GATEWAY_STS_HMAC_KEY", StringComparison.Ordinal));
        Assert.Contains(reader.Faults, fault => fault.StartsWith("STREAMS_HMAC_KEY", StringComparison.Ordinal));
    }
}
