using System.Text;
using System.Text.Json;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;

namespace Caracal.Evidence.Tests.Events;

public class AuditFrameTests
{
    private const string K1 = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    private const string Api = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    private const string Gateway = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    [Theory]
    [Trait("requirement", "R4")]
    [InlineData(K1, Ledger.LedgerHashTests.A, "c44ea7ed4bf2b078bfa6e04441a61436b5cb6fe37bbbe35be10cbb8488385bf5")]
    [InlineData(K1, Ledger.LedgerHashTests.B, "8cd1beb352d981bd6cd942c52ca77ace8a8c92f0de07663671391374402b622a")]
    [InlineData(K1, "{\"id\":\"0198c0de-0000-7000-8000-000000000001\",\"zone_id\":\"zone-1\",\"event_type\":\"token_exchange\",\"request_id\":\"req-1\",\"decision\":\"allow\",\"evaluation_status\":\"complete\",\"determining_policies_json\":[{\"policy\":\"caracal-bootstrap\"}],\"diagnostics_json\":[],\"metadata_json\":{\"resource\":\"resource://pipernet\"},\"occurred_at\":\"2026-01-01T00:00:00Z\"}", "671edb3c4df7537b140b6c3c2d01424eab7269acf43c10b8480a198a7450dea6")]
    [InlineData(Api, "{\"id\":\"0198c1d2-0000-7000-8000-000000000201\",\"zone_id\":\"z1\",\"event_type\":\"credential_revealed\",\"request_id\":\"req-1\",\"decision\":\"allow\",\"evaluation_status\":\"complete\",\"determining_policies_json\":[],\"diagnostics_json\":[],\"metadata_json\":{\"credential\":\"application_client_secret\",\"application_id\":\"a1\",\"application_name\":\"App\",\"actor\":\"admin:tok-1\"},\"occurred_at\":\"2026-01-01T00:00:00.000Z\"}", "e9a841b8a82100a180475dbdd39c52b1f91570668ed6b349039214c9105859bb")]
    [InlineData(Api, "{\"id\":\"req-1\",\"zone_id\":\"z1\",\"event_type\":\"control.invoke\",\"request_id\":\"req-1\",\"decision\":\"allow\",\"evaluation_status\":\"complete\",\"determining_policies_json\":[],\"diagnostics_json\":[],\"metadata_json\":{\"subject\":\"app-1\",\"jti\":\"j1\",\"client_id\":\"app-1\",\"command\":\"app\",\"subcommand\":\"list\",\"reason\":\"\",\"idempotency_key\":\"\",\"authorized_by\":\"\"},\"occurred_at\":\"2026-01-01T00:00:00.000Z\"}", "1a42d7c3a1ffcd90c3f92f236e8680a300a659f9e10edb335d8a33e4bc499e3c")]
    [InlineData(Gateway, "{\"id\":\"0199c7a0-0000-7000-8000-000000000001\",\"zone_id\":\"zone-1\",\"event_type\":\"gateway_resource_request\",\"request_id\":\"req-123\",\"decision\":\"allow\",\"evaluation_status\":\"executed\",\"determining_policies_json\":[],\"diagnostics_json\":[],\"metadata_json\":{\"application_id\":\"app-1\",\"auth_mode\":\"caracal_jwt\",\"gateway_status\":200,\"latency_ms\":12,\"method\":\"POST\",\"resource\":\"resource://pipernet\",\"response_bytes\":2,\"result_class\":\"success\",\"subject_fingerprint\":\"ce887a8eece06ba3\",\"subject_kind\":\"application\",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"upstream_host\":\"api.pipernet.example\",\"upstream_status\":200},\"occurred_at\":\"2026-09-21T14:13:20Z\"}", "f2510662b1e00bea1f185b78c6cd6db4cf54d7b4b87ae88deef1d23e3ef5b99c")]
    public void Signs_the_vectors_of_the_specification(string key, string data, string expected)
    {
        var ring = TestKeys.Ring(TestKeys.Key(Convert.FromHexString(key)));
        var frame = AuditFrame.Of(Encoding.UTF8.GetBytes(data), ring);
        Assert.Equal(expected, frame.Sig);
        Assert.Equal(data, frame.Data);
        Assert.Equal(ring.KeyId, frame.Kid);
        Assert.Equal(["id", "data", "sig", "kid"], frame.Fields().Select(field => field.Key));
        Assert.Null(IngestCheck.Examine(Encoding.UTF8.GetBytes(frame.Data), frame.Sig, frame.Kid, ring).Reason);
    }

    [Fact]
    public void Without_a_key_a_frame_is_unsigned() =>
        Assert.Equal(["id", "data"], AuditFrame.Of(AuditEventTests.Sample(), null).Fields().Select(field => field.Key));

    [Fact]
    public void Bytes_that_are_no_event_make_no_frame()
    {
        Assert.ThrowsAny<JsonException>(() => AuditFrame.Of("{}"u8, null));
        Assert.ThrowsAny<JsonException>(() => AuditFrame.Of("x"u8, null));
    }

    [Fact]
    public void Fingerprints_match_the_vector() => Assert.Equal("ce887a8eece06ba3", AuditFrame.Fingerprint("aaa.bbb.ccc"u8));

    [Fact]
    public void Anchors_and_manifests_match_the_vectors()
    {
        var head = new ChainHead(2, "3257425ad6fc8812ba1b00ce77b52e529c5cd01ca8938f1dafbc71a686d6a476");
        Assert.Equal(
            "fd364c38761140eeac1228b9dcb6578d93c7ddfc747f937ab17ff736b203e29d",
            ChainAnchor.Mac(TestKeys.K1, "z1", head, new DateTimeOffset(2026, 7, 12, 12, 0, 0, TimeSpan.Zero)));
        Assert.Equal(
            "ab067b419c6375b36c2eb4b436601740121ad8bb61885888233967c2a304e567",
            ChainAnchor.ManifestMac(TestKeys.K1, "{\"bucket\":\"caracal-audit\",\"events\":2}"u8));
    }
}
