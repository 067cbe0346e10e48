using System.Text;
using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;

namespace Caracal.Keys.Tests.Signatures;

public class GatewaySignatureTests
{
    private const string K1 = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    private const string T = "00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9";
    private const string Api = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    private const string Exchange = "application_id=app-1&gateway_request_id=req-1&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&request_method=GET&request_path=%2Fv1%2Fitems&resource=resource%3A%2F%2Fpipernet&subject_token=abc&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&zone_id=zone-1";
    private const string Brokered = "application_id=app-1&gateway_request_id=req-123&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&request_method=POST&request_path=%2Fv1%2Fitems+list&resource=resource%3A%2F%2Fpipernet&subject_token=aaa.bbb.ccc&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&zone_id=zone-1";

    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1767225600);

    [Theory]
    [InlineData(T, "1700000000", "n1", "POST", "/oauth/2/token", "grant_type=x", "051aa93a75af1760a836eebf070806bf31e4f4b1024369258d5bb71e4e549f6a")]
    [InlineData(K1, "1767225600", "nonce-1", "POST", "/oauth/2/token", Exchange, "6b28699c07c9024ba75de400c62944e910dbcdbf6ce88976c76ecdb8ed90e56f")]
    [InlineData(K1, "1767225600", "nonce-2", "GET", "/internal/policy/status/zone-1", "", "96f9e69af444952a25d0b384a829832b12c9e224b74031d93ee05c104a5fdcaf")]
    [InlineData(K1, "1790000000", "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f", "POST", "/oauth/2/token", Brokered, "8c989f41f5fb6ea2b96250bb60aad266f58c42060ee59a6b3b7c8b51168a69af")]
    [InlineData(Api, "1767225600", "0198c1d2-0000-7000-8000-0000000000dd", "GET", "/internal/policy/status/zone-1", "", "98284888f71ef138ce41bfc5f845ae63bb6c8210bdc04b405e59d643e3d77013")]
    [InlineData(Api, "1767225600", "0198c1d2-0000-7000-8000-0000000000dd", "POST", "/internal/policy/simulate", "{\"policy_set_id\":\"ps1\"}", "f13d6dc52733cc0cf1e0eca8b4c940d194e9d8fdeb468aeac3088425dd893ca9")]
    public void Signs_the_vectors_of_the_specification(
        string key, string timestamp, string nonce, string method, string path, string body, string expected)
    {
        var ring = TestKeys.Ring(key);
        var bytes = Encoding.UTF8.GetBytes(body);
        Assert.Equal(expected, GatewaySignature.Sign(ring, timestamp, nonce, method, path, bytes));
        var at = DateTimeOffset.FromUnixTimeSeconds(long.Parse(timestamp));
        Assert.Equal(GatewayVerdict.Accepted, GatewaySignature.Verify(ring, timestamp, nonce, method, path, bytes, expected, at, out var slot));
        Assert.Equal(KeySlot.Current, slot);
    }

    [Theory]
    [InlineData("1767225600", "n", "GET", "/p", "body", GatewayVerdict.Mismatch)]
    [InlineData("1767225600", "n", "PUT", "/p", "", GatewayVerdict.Mismatch)]
    [InlineData("1767225600", "n", "GET", "/p2", "", GatewayVerdict.Mismatch)]
    [InlineData("1767225600", "m", "GET", "/p", "", GatewayVerdict.Mismatch)]
    [InlineData("1767225539", "n", "GET", "/p", "", GatewayVerdict.Skewed)]
    [InlineData("1767225661", "n", "GET", "/p", "", GatewayVerdict.Skewed)]
    [InlineData("99999999999999999999", "n", "GET", "/p", "", GatewayVerdict.Malformed)]
    [InlineData("9223372036854775807", "n", "GET", "/p", "", GatewayVerdict.Skewed)]
    [InlineData("-5", "n", "GET", "/p", "", GatewayVerdict.Malformed)]
    [InlineData("1767225600", "", "GET", "/p", "", GatewayVerdict.Malformed)]
    [InlineData("1767225600", "n\nGET", "GET", "/p", "", GatewayVerdict.Malformed)]
    public void Refuses_whatever_was_not_signed(string timestamp, string nonce, string method, string path, string body, GatewayVerdict expected)
    {
        var ring = TestKeys.Ring(K1);
        var signature = GatewaySignature.Sign(ring, "1767225600", "n", "GET", "/p", []);
        Assert.Equal(expected, GatewaySignature.Verify(ring, timestamp, nonce, method, path, Encoding.UTF8.GetBytes(body), signature, Now, out _));
    }

    [Fact]
    [Trait("requirement", "R25")]
    public void Accepts_a_signature_of_the_previous_key_while_it_is_loaded()
    {
        var old = new HmacKey(KeyClass.GatewayStsHmac, TestKeys.K1);
        var ring = new HmacKeyRing(new HmacKeySet(KeyClass.GatewayStsHmac, new HmacKey(KeyClass.GatewayStsHmac, TestKeys.K2), previous: [old]));
        var signature = GatewaySignature.Sign(TestKeys.Ring(K1), "1767225600", "n", "GET", "/p", []);
        Assert.Equal(GatewayVerdict.Accepted, GatewaySignature.Verify(ring, "1767225600", "n", "GET", "/p", [], signature, Now, out var slot));
        Assert.Equal(KeySlot.Previous, slot);
    }

    [Fact]
    public void Nonces_are_64_hex_characters_and_never_repeat()
    {
        Assert.Matches("^[0-9a-f]{64}$", GatewaySignature.NewNonce());
        Assert.NotEqual(GatewaySignature.NewNonce(), GatewaySignature.NewNonce());
    }
}
