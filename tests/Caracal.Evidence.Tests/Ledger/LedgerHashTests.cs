using Caracal.Evidence.Ledger;

namespace Caracal.Evidence.Tests.Ledger;

public class LedgerHashTests
{
    public const string A = "{\"id\":\"019a0000-0000-7000-8000-0000000000a1\",\"zone_id\":\"z1\",\"event_type\":\"token_exchange\",\"request_id\":\"req-1\",\"decision\":\"allow\",\"policy_set_version_id\":\"psv-1\",\"manifest_sha\":\"3a6eb079\",\"evaluation_status\":\"complete\",\"determining_policies_json\":[{\"policy\":\"allow-read\"}],\"diagnostics_json\":null,\"metadata_json\":{\"application_id\":\"app-1\",\"requested_scopes\":[\"read\"],\"resource\":\"resource://pipernet\",\"latency_ms\":1.50},\"occurred_at\":\"2026-07-12T10:00:00.123456789Z\"}";
    public const string B = "{\"id\":\"019a0000-0000-7000-8000-0000000000a2\",\"zone_id\":\"z1\",\"event_type\":\"gateway_resource_request\",\"request_id\":\"req-1\",\"decision\":\"allow\",\"evaluation_status\":\"executed\",\"determining_policies_json\":[],\"diagnostics_json\":[],\"metadata_json\":{\"gateway_status\":200,\"method\":\"GET\"},\"occurred_at\":\"2026-07-12T12:00:01+02:00\"}";
    public const string AContent = "6046c46028cc36f1b015935e443e688d7b9d1e736125f46e041d330e319f6ec2";
    public const string BContent = "3257425ad6fc8812ba1b00ce77b52e529c5cd01ca8938f1dafbc71a686d6a476";

    [Fact]
    public void Chains_the_vectors_of_the_specification()
    {
        var first = LedgerHash.Link(IngestParser.Parse(TestKeys.Utf8(A)), ChainHead.Empty, TestKeys.K1, default);
        Assert.Equal(AContent, first.ContentSha256);
        Assert.Equal("95b5b56c21a89033f827fe157f9df801cf9553b1b7eaac0cd91d6c9294bf1bd4", first.ChainHmac);
        Assert.Equal(1, first.ChainSeq);
        Assert.Null(first.PrevContentSha256);
        Assert.Equal("e1b7708d5e844531", first.HmacKeyId);

        var entry = IngestParser.Parse(TestKeys.Utf8(B));
        var second = LedgerHash.Link(entry, first.Head, TestKeys.K1, default);
        Assert.Equal(BContent, second.ContentSha256);
        Assert.Equal("6b4088182d3e0a3ca07ef1f6968c716d3d3c1afb2b2692159fc7f18d21164ffa", second.ChainHmac);
        Assert.Equal(AContent, second.PrevContentSha256);
        Assert.Equal(2, second.ChainSeq);
        Assert.Equal("8e5a3d542d882715d72e524e4655751733ea16b547515caf03868bba2df812d0", LedgerHash.Link(entry, first.Head, TestKeys.K2, default).ChainHmac);
    }

    [Fact]
    public void Absent_json_is_hashed_as_null()
    {
        var entry = new LedgerEntry
        {
            Id = "ev-1",
            ZoneId = "zone1",
            EventType = "token_exchange",
            RequestId = "req1",
            Decision = "allow",
            PolicySetId = "ps-1",
            PolicySetVersionId = "psv-1",
            ManifestSha = "abc123",
            EvaluationStatus = "complete",
            OccurredAt = new DateTimeOffset(2023, 11, 14, 22, 13, 20, TimeSpan.Zero),
        };
        var content = LedgerHash.Content(entry);
        Assert.Equal("d391d64daa8f05b312a097820baae8dd9a2486156d8af5a3491b2464232ba84c", content);
        Assert.Equal("a758c42176f4fac33de298208d60301f9e9cff95bf151cdd68b002de3590a597", LedgerHash.ChainHmac(TestKeys.K1, content, null));
    }

    [Fact]
    public void The_vector_of_the_operations_manual_holds()
    {
        var data = TestKeys.Utf8("{\"id\":\"e1\",\"zone_id\":\"z1\",\"event_type\":\"token_exchange\",\"request_id\":\"r1\",\"decision\":\"allow\",\"evaluation_status\":\"complete\",\"determining_policies_json\":[],\"diagnostics_json\":[],\"occurred_at\":\"2026-01-02T03:04:05Z\"}");
        Assert.Equal("abe0eb961d735458c6d7a22267834508be3fe1bb84da75ce8ade44a0e442c586", TestKeys.T.SignHex(data));
        var content = LedgerHash.Content(IngestParser.Parse(data));
        Assert.Equal("10dc75c6c2aaa6ab937d37b488edfe33f933b82de0fa4d5b1e1bc0ade924824d", content);
        Assert.Equal("5fddec9d60d030588f0191c28a86769cbc3133a0679e31baaa6d6bc818c3f573", LedgerHash.ChainHmac(TestKeys.T, content, ""));
    }

    [Fact]
    public void Without_a_key_the_chain_mac_is_empty() => Assert.Equal("", LedgerHash.ChainHmac(null, AContent, null));

    [Fact]
    public void Epoch_seals_match_the_vector()
    {
        var digest = new EpochDigest();
        digest.Add(1, "10dc75c6c2aaa6ab937d37b488edfe33f933b82de0fa4d5b1e1bc0ade924824d", "5fddec9d60d030588f0191c28a86769cbc3133a0679e31baaa6d6bc818c3f573");
        var content2 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("row2"u8));
        var hmac2 = LedgerHash.ChainHmac(TestKeys.T, content2, "10dc75c6c2aaa6ab937d37b488edfe33f933b82de0fa4d5b1e1bc0ade924824d");
        Assert.Equal("d979dcb85eb12154e5efcbf31641781c9c00e11adce01831a6b6a5fd9dcd700c", hmac2);
        digest.Add(2, content2, hmac2);
        Assert.Equal("756282b3f078ca05252ac35b00f0543b724171add01822c8d14cc052319cf41f", digest.Hex);
        var epoch = new SealedEpoch { Chain = "z1", FirstSeq = 1, LastSeq = 2, KeyId = TestKeys.T.KeyId, Digest = digest.Hex };
        var mac = EpochSeal.Mac(TestKeys.B, epoch);
        Assert.Equal("4efd31d6c671ecc203a0bdeb98b7d8f161a06789158012ee8e2f678177f1ca14", mac);
        Assert.True(EpochSeal.Verify(TestKeys.B, epoch, mac));
        Assert.False(EpochSeal.Verify(TestKeys.B, epoch with { LastSeq = 3 }, mac));
    }
}
