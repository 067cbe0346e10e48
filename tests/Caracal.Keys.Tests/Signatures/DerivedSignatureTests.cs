using System.Security.Cryptography;
using System.Text;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Keys.Signatures;

namespace Caracal.Keys.Tests.Signatures;

public class DerivedSignatureTests
{
    private const string AdminToken = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private static readonly DateTimeOffset Early = DateTimeOffset.FromUnixTimeSeconds(1600000000);

    [Fact]
    public void Idempotency_digests_match_the_vectors()
    {
        Assert.Equal(
            "a9a1d8b4d8674d242b6b3ca729a8c17d8aa0677bd5c808d7bf0ceb060e7f1f3f",
            Convert.ToHexStringLower(IdempotencyDigest.Of(TestKeys.Ring(TestKeys.T), "op-1")));
        var ones = Enumerable.Repeat((byte)1, 32).ToArray();
        Assert.Equal(
            "bbaae8ce387b7a0c9771c804e2945ac6ad2f19bd3048455569ad5a3265e917b9",
            Convert.ToHexStringLower(IdempotencyDigest.Of(TestKeys.Ring(ones), "delivery-42")));
        Assert.Equal("f25c7927a8f691df434f5efe6e2cb274521127e70692f8f6b792610c40dcd8c6", IdempotencyDigest.LockName("delivery-42"));
    }

    [Fact]
    public void Receipts_are_looked_up_under_every_loaded_key()
    {
        var ring = new HmacKeyRing(new HmacKeySet(
            KeyClass.IdempotencyHmac, new HmacKey(KeyClass.IdempotencyHmac, TestKeys.K2), previous: [new HmacKey(KeyClass.IdempotencyHmac, TestKeys.T)]));
        var candidates = IdempotencyDigest.Candidates(ring, "op-1").Select(Convert.ToHexStringLower).ToList();
        Assert.Equal(2, candidates.Count);
        Assert.Equal("a9a1d8b4d8674d242b6b3ca729a8c17d8aa0677bd5c808d7bf0ceb060e7f1f3f", candidates[1]);
    }

    [Fact]
    public void Console_tokens_match_the_vectors()
    {
        var admin = new SecretText(AdminToken);
        Assert.Equal("cat_WpPAZFQCk21h5WD0UliMbLbOE_8EJgHNYe6YoQte-Y0", ConsoleTokens.ReadOnly(admin));
        Assert.Equal("cat_GTjf2upnJ-Lt5c3SwbV9iabhFRcqDk12hMsv5tN9lnM", ConsoleTokens.Write(admin));
        Assert.Equal("cat_BMpAW6l2-7MJjqQY4tdRpfFrYEKHa2Z2MLsRMAKRfF0", ConsoleTokens.Approve(admin));
    }

    [Theory]
    [InlineData("acct-42", 1893456000, "v1.YWNjdC00Mg.1893456000.p1eWqp67JK3qlH_Ouw2WhppbfGhzEGv11nRi4QzJyeU")]
    [InlineData("acct-1", 1700000000, "v1.YWNjdC0x.1700000000.6J_xAkyAiGcGOm1DBPGl7eh6qjjr_GZ7OeECcx9zXxo")]
    public void Account_assertions_match_the_vectors(string account, long expires, string expected)
    {
        var assertion = AccountAssertion.Mint(new SecretText(AdminToken), account, DateTimeOffset.FromUnixTimeSeconds(expires));
        Assert.Equal(expected, assertion);
        Assert.Equal(account, AccountAssertion.Verify(TokenRing.Of(KeyClass.AdminToken, AdminToken), assertion, Early));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("v1")]
    [InlineData("v2.YWNjdC0x.1700000000.6J_xAkyAiGcGOm1DBPGl7eh6qjjr_GZ7OeECcx9zXxo")]
    [InlineData("v1.YWNjdC0y.1700000000.6J_xAkyAiGcGOm1DBPGl7eh6qjjr_GZ7OeECcx9zXxo")]
    [InlineData("v1.YWNjdC0x.1700000001.6J_xAkyAiGcGOm1DBPGl7eh6qjjr_GZ7OeECcx9zXxo")]
    [InlineData("v1.YWNjdC0x.-1.6J_xAkyAiGcGOm1DBPGl7eh6qjjr_GZ7OeECcx9zXxo")]
    [InlineData("v1.*.1700000000.6J_xAkyAiGcGOm1DBPGl7eh6qjjr_GZ7OeECcx9zXxo")]
    public void An_account_assertion_that_is_not_ours_binds_nothing(string? assertion) =>
        Assert.Null(AccountAssertion.Verify(TokenRing.Of(KeyClass.AdminToken, AdminToken), assertion, Early));

    [Fact]
    public void An_expired_account_assertion_binds_nothing() =>
        Assert.Null(AccountAssertion.Verify(
            TokenRing.Of(KeyClass.AdminToken, AdminToken),
            "v1.YWNjdC0x.1700000000.6J_xAkyAiGcGOm1DBPGl7eh6qjjr_GZ7OeECcx9zXxo",
            DateTimeOffset.FromUnixTimeSeconds(1700000000)));

    [Theory]
    [InlineData("1783850400", "{\"id\":\"e1\",\"type\":\"step_up_issued\",\"zone_id\":\"z1\",\"decision\":\"pending\",\"occurred_at\":\"2026-07-12T10:00:00.000Z\",\"data\":{}}", "v1=7dffaeebd762543eee5b818b14004f0973fd73e8ff61ab42848af664ed19411d")]
    [InlineData("1767268800", "{\"id\":\"e1\",\"type\":\"step_up_issued\",\"zone_id\":\"z1\",\"decision\":\"pending\",\"occurred_at\":\"2026-01-01T12:00:00.000Z\",\"data\":{\"tier\":\"high\"}}", "v1=47cba18a302568bfa946b660250d611c2503f21d8d5c99516e5087f546e55eae")]
    public void Webhook_signatures_match_the_vectors(string timestamp, string body, string expected) =>
        Assert.Equal(expected, WebhookSignature.Sign("nsk_000102030405060708090a0b0c0d0e0f1011121314151617"u8, timestamp, Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void A_signing_key_survives_its_pem_and_its_signatures_verify()
    {
        using var key = SigningKey.Generate();
        using var pem = key.ToSec1Pem();
        Assert.StartsWith("-----BEGIN EC PRIVATE KEY-----", Encoding.ASCII.GetString(pem.Span));
        using var again = SigningKey.FromSec1Pem(pem.Span);
        Assert.Equal(key.X.ToArray(), again.X.ToArray());
        Assert.Equal(key.Y.ToArray(), again.Y.ToArray());
        var signature = new byte[SigningKey.SignatureSize];
        again.Sign("data"u8, signature);
        using var ecdsa = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = key.X.ToArray(), Y = key.Y.ToArray() },
        });
        Assert.True(ecdsa.VerifyData("data"u8, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
    }

    [Fact]
    public void The_signing_key_of_the_vector_has_the_published_coordinates()
    {
        using var ecdsa = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            D = Convert.FromHexString("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"),
        });
        using var key = SigningKey.FromSec1Pem(Encoding.ASCII.GetBytes(ecdsa.ExportECPrivateKeyPem()));
        Assert.Equal("YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Y", System.Buffers.Text.Base64Url.EncodeToString(key.X.Span));
        Assert.Equal("eQP-EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk", System.Buffers.Text.Base64Url.EncodeToString(key.Y.Span));
    }

    [Fact]
    public void Signing_from_many_threads_gives_good_signatures()
    {
        using var key = SigningKey.Generate();
        using var pem = key.ToSec1Pem();
        Parallel.For(0, 200, i =>
        {
            var signature = new byte[64];
            var data = BitConverter.GetBytes(i);
            key.Sign(data, signature);
            using var ecdsa = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = key.X.ToArray(), Y = key.Y.ToArray() } });
            Assert.True(ecdsa.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
        });
    }

    [Fact]
    public void A_signing_key_on_another_curve_or_no_key_at_all_is_refused()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var pem = Encoding.ASCII.GetBytes(other.ExportECPrivateKeyPem());
        Assert.Throws<CryptographicException>(() => SigningKey.FromSec1Pem(pem));
        Assert.Throws<CryptographicException>(() => SigningKey.FromSec1Pem("not a pem"u8));
    }
}
