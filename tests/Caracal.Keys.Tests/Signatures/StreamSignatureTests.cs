using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;

namespace Caracal.Keys.Tests.Signatures;

public class StreamSignatureTests
{
    private const string K1 = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    private const string K2 = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";
    private const string T = "00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9";
    private const string Gateway = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private const string Api = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    private const string Coordinator = "0000000000000000000000000000000000000000000000000000000000000001";
    private const string Zone = "019a0000-0000-7000-8000-000000000001";

    public static TheoryData<string, string, string, string[]> Vectors => new()
    {
        { T, "caracal.sessions.revoke", "055f0eebd05872f1316a7fc082a9b18b7ca3c2fa221d48a3043ffc85f6ff4742", ["outbox_id=0190", "reason=admin", "session_id=s1", "zone_id=z1"] },
        { K1, "caracal.policy.invalidate", "2d7b24e5cd7e4b015dd78c892622feebff267793a0d5af07c97762f172818d23", ["policy_set_id=ps-1", "policy_set_version_id=psv-1", "zone_id=zone-1"] },
        { K1, "caracal.sessions.revoke", "de4246ae0ed540a6b29633b80c4a68d3a886213f86238bb34be18e02d593384a", ["reason=grant_revoked", "session_id=ar-1", "zone_id=zone-1"] },
        { K1, "caracal.sessions.revoke", "63d708e13c941b8b2f97c0f862598766b79aac6cb117d2793aa3112cee2b1fce", [$"zone_id={Zone}", "session_id=019a0000-0000-7000-8000-00000000000a", "reason=grant_revoked", "grant_id=019a0000-0000-7000-8000-00000000000b", "outbox_id=019a0000-0000-7000-8000-0000000000ff"] },
        { K2, "caracal.sessions.revoke", "e376b30d6d6611357953004ab543930802f7b25e03c420ef298ef0be348cb72f", [$"zone_id={Zone}", "session_id=019a0000-0000-7000-8000-00000000000a", "reason=grant_revoked", "grant_id=019a0000-0000-7000-8000-00000000000b", "outbox_id=019a0000-0000-7000-8000-0000000000ff"] },
        { K1, "caracal.delegations.invalidate", "52e38af2b6816f226ebd33d24118ec5d9021ddae7f46e701daac084274f5a71c", ["outbox_id=019a0000-0000-7000-8000-000000000100", $"dedupe_key=edge_expire:{Zone}:7", "event=edge_expire", $"zone_id={Zone}", "affected_edges=2", "edge_ids=[\"e1\",\"e2\"]", "epoch=7"] },
        { K1, "caracal.agents.lifecycle", "6f60b382aaba4ac43199b08bbfa48f1531d140b931d01d4b8a9fee05bc5cfdee", ["outbox_id=019a0000-0000-7000-8000-000000000101", "dedupe_key=spawn:s1", "event=spawn", "zone_id=z1", "agent_session_id=s1", "parent_id=null", "application_id=app1"] },
        { K1, "caracal.sessions.revoke", "0aec1f498934457dac47cca02a05597cd91036a4f0a50f09c237ca0eb76c1805", ["zone_id=zürich", "session_id=", "reason=a\nb=c"] },
        { K1, "caracal.sessions.revoke.dead", "e18956417b974469447cb6b86f41db7d0205a67fc509aa30341ba8f47701f6f3", ["original_id=1700000000000-0", "error=missing session_id or agent_session_id", "values={\"reason\":\"x\",\"zone_id\":\"z1\"}"] },
        { K1, "caracal.audit.events", "202d82bd5ece865424ed42804853820d2e570694339fd454a2dad24700831bec", ["outbox_id=o1", "id=r1", "data={\"id\":\"e1\",\"zone_id\":\"z1\"}", "sig=9923448a36239d3a51c6f42e847e1a4d6a0d694e530a4e7547eb7168dba834e2"] },
        { Gateway, "caracal.sessions.revoke", "2e09a26dadb62774e9a08941f969902d3bc5699d30981592c8a03a8299efcd5c", ["agent_session_id=sess-1", "delegation_edge_id=edge-1", "reason=delegation_revoked", "session_id=ar-1", "zone_id=zone-1"] },
        { Gateway, "caracal.delegations.invalidate", "01fc0cd6a6604f41380b2c8d4ee9fa6ca2ee8de92b8a188b681796ba32249fa2", ["edge_id=edge-1", "epoch=8", "event=edge_revoke", "zone_id=zone-1"] },
        { Api, "caracal.policy.invalidate", "24510539537d8193dad99e7fa974b08075dd5ffc14dff3e3ad32c953b254c20d", ["outbox_id=0198c1d2-0000-7000-8000-000000000001", "zone_id=0198c1d2-0000-7000-8000-0000000000aa", "policy_set_id=0198c1d2-0000-7000-8000-0000000000bb", "policy_set_version_id=0198c1d2-0000-7000-8000-0000000000cc"] },
        { Coordinator, "caracal.agents.lifecycle", "4015c520d7fc2d7f4d39e339de4b52a8bbff2979280e253e62056b2ef5182449", ["agent_session_id=0198f4a1-0000-7000-8000-0000000000aa", "dedupe_key=terminate:0198f4a1-0000-7000-8000-0000000000aa", "event=terminate", "outbox_id=0198f4a1-0000-7000-8000-000000000001", "parent_id=null", "reason=requested", "zone_id=z1"] },
        { Coordinator, "caracal.delegations.invalidate", "ba86e324144fe28c9ce13a61905b2ae831524f47b83203b58d84de607117ad52", ["affected_edges=2", "dedupe_key=edge_revoke:0198f4a1-0000-7000-8000-0000000000bb", "edge_id=0198f4a1-0000-7000-8000-0000000000bb", "epoch=9", "event=edge_revoke", "outbox_id=0198f4a1-0000-7000-8000-000000000002", "zone_id=z1"] },
    };

    [Theory]
    [Trait("requirement", "R5")]
    [MemberData(nameof(Vectors))]
    public void Signs_the_vectors_of_the_specification(string key, string topic, string expected, string[] fields) =>
        Assert.Equal(expected, StreamSignature.Sign(TestKeys.Ring(key), topic, Fields(fields)));

    [Fact]
    public void Refuses_an_unsigned_message() =>
        Assert.Equal(StreamVerdict.Missing, StreamSignature.Verify(TestKeys.Ring(K1), "t", Fields("zone_id=z1"), out _));

    [Theory]
    [InlineData("zz")]
    [InlineData("63d708e1")]
    [InlineData("63d708e13c941b8b2f97c0f862598766b79aac6cb117d2793aa3112cee2b1fce")]
    public void Refuses_a_signature_that_is_malformed_or_of_something_else(string signature) =>
        Assert.Equal(
            StreamVerdict.Mismatch,
            StreamSignature.Verify(TestKeys.Ring(K1), "t", Fields("zone_id=z1", "_sig=" + signature), out _));

    [Fact]
    public void Refuses_a_value_with_a_line_feed_even_when_its_signature_is_right()
    {
        var ring = TestKeys.Ring(K1);
        var fields = Fields("reason=x\nsession_id=s9", "zone_id=z1");
        var signed = fields.Append(new("_sig", StreamSignature.Sign(ring, "t", fields))).ToList();
        Assert.Equal(StreamVerdict.AmbiguousField, StreamSignature.Verify(ring, "t", signed, out var slot));
        Assert.Equal(KeySlot.None, slot);
    }

    [Fact]
    public void Refuses_a_field_named_twice_or_with_an_equals_sign()
    {
        var ring = TestKeys.Ring(K1);
        Assert.Equal(StreamVerdict.AmbiguousField, StreamSignature.Verify(ring, "t", [new("a", "1"), new("a", "2")], out _));
        Assert.Equal(StreamVerdict.AmbiguousField, StreamSignature.Verify(ring, "t", [new("a=b", "1")], out _));
    }

    [Fact]
    public void A_sealed_message_is_clean_and_verifies()
    {
        var ring = TestKeys.Ring(K1);
        var message = StreamSignature.Seal(ring, "caracal.sessions.revoke", [new("zone_id", "z1"), new("reason", "a\r\nb\0"), new("gone", null!)]);
        Assert.Equal(["zone_id", "reason", "_sig"], message.Select(field => field.Key));
        Assert.Equal("a  b ", message[1].Value);
        Assert.Equal(StreamVerdict.Accepted, StreamSignature.Verify(ring, "caracal.sessions.revoke", message, out var slot));
        Assert.Equal(KeySlot.Current, slot);
        Assert.Equal(StreamVerdict.Mismatch, StreamSignature.Verify(ring, "caracal.sessions.revoke.dead", message, out _));
    }

    [Fact]
    public void Audit_data_is_published_byte_for_byte()
    {
        var message = StreamSignature.Seal(TestKeys.Ring(K1), "caracal.audit.events", [new("data", "{\n}")]);
        Assert.Equal("{\n}", message[0].Value);
    }

    [Fact]
    public void Without_a_key_a_message_stays_unsigned() =>
        Assert.Equal(["zone_id"], StreamSignature.Seal((HmacKeyRing?)null, "t", [new("zone_id", "z1")]).Select(field => field.Key));

    private static List<KeyValuePair<string, string>> Fields(params string[] fields) =>
        [.. fields.Select(field => field.Split('=', 2)).Select(pair => new KeyValuePair<string, string>(pair[0], pair[1]))];
}
