using Caracal.Keys.Secrets;

namespace Caracal.Keys.Tests.Secrets;

public class SecretRulesTests
{
    private const string Good = "8f3a1c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef01";

    [Theory]
    [Trait("requirement", "R51")]
    [Trait("requirement", "R60")]
    [Trait("requirement", "R61 (must not be all zeros)")]
    [InlineData("", "must be hex-encoded")]
    [InlineData("xyz", "must be hex-encoded")]
    [InlineData(Good + "\n", "must be hex-encoded")]
    [InlineData(Good + "0", "must be hex-encoded")]
    [InlineData("8f3a", "must be 32 bytes, got 2")]
    [InlineData(Good + "00", "must be 32 bytes, got 33")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000", "must not be all zeros")]
    [InlineData("4242424242424242424242424242424242424242424242424242424242424242", "must not repeat the same byte")]
    [InlineData("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "must not use a sequential byte pattern")]
    [InlineData("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0", "must not use a sequential byte pattern")]
    [InlineData("0102010201020102010201020102010201020102010201020102010201020102", "must not use a repeating byte pattern")]
    [InlineData(Good, null)]
    public void A_key_encryption_key_must_be_strong(string text, string? problem) => Assert.Equal(problem, SecretRules.KekProblem(text));

    [Theory]
    [Trait("requirement", "R51")]
    [Trait("requirement", "R72")]
    [Trait("requirement", "R76")]
    [InlineData("8f3a", "must be hex-encoded with at least 32 bytes")]
    [InlineData("zz", "must be hex-encoded with at least 32 bytes")]
    [InlineData(Good, null)]
    [InlineData(Good + Good, null)]
    public void An_hmac_key_has_at_least_32_bytes(string text, string? problem) => Assert.Equal(problem, SecretRules.HmacProblem(text));

    [Theory]
    [Trait("requirement", "R99")]
    [InlineData("changeme", "must not be a placeholder value")]
    [InlineData("Password", "must not be a placeholder value")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "must not be a placeholder value")]
    [InlineData("abcdefghijklmnop", "must carry at least 32 random bytes")]
    [InlineData("abababababababababababababababababababababababab", "must carry at least 32 random bytes")]
    [InlineData("0123456789abcdef 0123456789abcdef", "must carry at least 32 random bytes")]
    [InlineData("0123456789abcdefé0123456789abcdef", "must carry at least 32 random bytes")]
    [InlineData("0123456789abcdef0123456789abcdef", null)]
    public void A_token_must_carry_entropy(string text, string? weakness) => Assert.Equal(weakness, SecretRules.TokenWeakness(text));

    [Theory]
    [InlineData("0123456789abcdef0123456789abcdef", true)]
    [InlineData("0123456789abcdef0123456789abcde", false)]
    [InlineData("012345678012345678012345678012345678", false)]
    public void A_brought_client_secret_needs_length_and_variety(string text, bool accepted) =>
        Assert.Equal(accepted, SecretRules.IsAcceptableClientSecret(text));

    [Theory]
    [InlineData("short", false, "should have at least 16 characters")]
    [InlineData("sixteen-chars-ok", false, null)]
    [InlineData("sixteen-chars-ok", true, "should have at least 24 characters")]
    public void A_password_that_is_short_deserves_a_warning(string text, bool generated, string? weakness) =>
        Assert.Equal(weakness, SecretRules.PasswordWeakness(text, generated));
}
