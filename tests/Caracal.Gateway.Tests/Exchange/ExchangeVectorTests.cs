using System.Security.Cryptography;
using System.Text;
using Caracal.Gateway.Evidence;
using Caracal.Gateway.Exchange;
using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;
using Caracal.Protocol.Exchange;

namespace Caracal.Gateway.Tests.Exchange;

/// <summary>Vectors V1, V2 and V3 of gateway.md where they touch the Gateway.</summary>
public sealed class ExchangeVectorTests
{
    private const string Body =
        "application_id=app-1&gateway_request_id=req-123&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
        + "&request_method=POST&request_path=%2Fv1%2Fitems+list&resource=resource%3A%2F%2Fpipernet&subject_token=aaa.bbb.ccc"
        + "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&zone_id=zone-1";

    [Fact]
    public void V1_the_form_and_its_signature()
    {
        var body = ExchangeForm.ToBytes(new ExchangeRequest(
            "zone-1", "app-1", "aaa.bbb.ccc".AsMemory(), "resource://pipernet", "POST", "/v1/items list", "req-123"));
        Assert.Equal(Body, Encoding.ASCII.GetString(body));
        Assert.Equal("fbcaf7eecd02ea778443c0a373bfed072d404d72e59eefdc4e4d3651a943dc9b", Convert.ToHexStringLower(SHA256.HashData(body)));
        var keys = HmacKeyRing.Of(KeyClass.GatewayStsHmac, Convert.FromHexString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
        Assert.Equal(
            "8c989f41f5fb6ea2b96250bb60aad266f58c42060ee59a6b3b7c8b51168a69af",
            GatewaySignature.Sign(keys, "1790000000", string.Concat(Enumerable.Repeat("5f", 32)), "POST", "/oauth/2/token", body));
    }

    [Fact]
    public void V2_the_signature_of_a_revocation()
    {
        var keys = HmacKeyRing.Of(KeyClass.StreamsHmac, Convert.FromHexString("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
        KeyValuePair<string, string>[] fields =
        [
            new("zone_id", "zone-1"), new("session_id", "ar-1"), new("agent_session_id", "sess-1"),
            new("delegation_edge_id", "edge-1"), new("reason", "delegation_revoked"),
        ];
        Assert.Equal(
            "2e09a26dadb62774e9a08941f969902d3bc5699d30981592c8a03a8299efcd5c",
            StreamSignature.Sign(keys, "caracal.sessions.revoke", fields));
    }

    [Fact]
    public void V3_the_fingerprint_of_a_token() => Assert.Equal("ce887a8eece06ba3", CallEvidence.Fingerprint("aaa.bbb.ccc"));

    [Fact]
    public void Everything_outside_the_unreserved_set_is_escaped() =>
        Assert.Contains(
            "request_path=%2Fa%26b%3Dc%2B%C3%A4%25&",
            Encoding.ASCII.GetString(ExchangeForm.ToBytes(new ExchangeRequest("z", "a", "t".AsMemory(), "r", "GET", "/a&b=c+ä%", "id"))),
            StringComparison.Ordinal);
}
