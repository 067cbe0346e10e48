using System.Text.Json;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Tests.Secrets;

public class SecretValueTests
{
    [Fact]
    public void A_secret_prints_three_stars_everywhere()
    {
        var text = new SecretText("hunter2hunter2");
        using var bytes = new SecretBytes("hunter2hunter2"u8);
        Assert.Equal("***", text.ToString());
        Assert.Equal("*** ***", $"{text} {bytes}");
        Assert.Throws<InvalidOperationException>(() => JsonSerializer.Serialize(text));
        Assert.Throws<InvalidOperationException>(() => JsonSerializer.Serialize(bytes));
        Assert.DoesNotContain("hunter", new ResolvedSecret("X", text, null).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_equals_only_itself()
    {
        var secret = new SecretText("zürich");
        Assert.True(secret.Matches("zürich"));
        Assert.True(secret.Matches("z\u00fcrich"u8));
        Assert.False(secret.Matches("zurich"));
        Assert.False(secret.Matches(""));
        Assert.True(secret.Matches("zürich".AsSpan()));
        Assert.Equal(secret, new SecretText("zürich"));
        Assert.True(new SecretText(new string('x', 5000)).Matches(new string('x', 5000)));
        Assert.Equal("zürich", secret.Reveal());
    }

    [Fact]
    public void Disposed_bytes_are_wiped()
    {
        var secret = new SecretBytes([1, 2, 3]);
        var view = secret.Memory;
        secret.Dispose();
        Assert.Equal([0, 0, 0], view.ToArray());
    }

    [Theory]
    [Trait("requirement", "R98")]
    [InlineData("correct horse battery staple", "sha256$c4bbcb1fbec99d65bf59d85c8cb62ee2db963f0fe106f483d9afa73bd4e39a8a")]
    [InlineData("cs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "sha256$6060dad30997e5c5caca29e0c7afcea54b0a9dc0e7c841b0cd9a73a5ea2943cd")]
    [InlineData("cat_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "sha256$f36c594344b845807f0300a4012ba72e405133161be4a99e33798c731fce1f18")]
    public void Secret_hashes_match_the_vectors(string secret, string stored)
    {
        Assert.Equal(stored, SecretHash.Of(secret));
        Assert.True(SecretHash.Verify(stored, secret));
        Assert.False(SecretHash.Verify(stored, secret + "x"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("sha256$")]
    [InlineData("argon2id$c4bbcb1fbec99d65bf59d85c8cb62ee2db963f0fe106f483d9afa73bd4e39a8a")]
    [InlineData("sha256$C4BBCB1FBEC99D65BF59D85C8CB62EE2DB963F0FE106F483D9AFA73BD4E39A8A")]
    [InlineData("sha256$c4bbcb1fbec99d65bf59d85c8cb62ee2db963f0fe106f483d9afa73bd4e39a8a0")]
    [InlineData("sha256$z4bbcb1fbec99d65bf59d85c8cb62ee2db963f0fe106f483d9afa73bd4e39a8a")]
    [InlineData("sha256$0000000000000000000000000000000000000000000000000000000000000000")]
    public void A_malformed_record_never_verifies(string? stored) =>
        Assert.False(SecretHash.Verify(stored, "correct horse battery staple"));

    [Fact]
    [Trait("requirement", "R62")]
    public void Minted_secrets_have_their_prefix_and_never_repeat()
    {
        Assert.Matches("^cs_[A-Za-z0-9_-]{43}$", SecretMint.ClientSecret());
        Assert.Matches("^ws_[A-Za-z0-9_-]{43}$", SecretMint.WorkloadSecret());
        Assert.Matches("^cat_[A-Za-z0-9_-]{43}$", SecretMint.AdminToken());
        Assert.Matches("^nsk_[0-9a-f]{48}$", SecretMint.SinkSecret());
        Assert.NotEqual(SecretMint.AdminToken(), SecretMint.AdminToken());
    }
}
