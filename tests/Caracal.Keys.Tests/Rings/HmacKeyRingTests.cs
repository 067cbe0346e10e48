using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Tests.Rings;

public class HmacKeyRingTests
{
    private const string VectorA = "{\"id\":\"019a0000-0000-7000-8000-0000000000a1\",\"zone_id\":\"z1\",\"event_type\":\"token_exchange\",\"request_id\":\"req-1\",\"decision\":\"allow\",\"policy_set_version_id\":\"psv-1\",\"manifest_sha\":\"3a6eb079\",\"evaluation_status\":\"complete\",\"determining_policies_json\":[{\"policy\":\"allow-read\"}],\"diagnostics_json\":null,\"metadata_json\":{\"application_id\":\"app-1\",\"requested_scopes\":[\"read\"],\"resource\":\"resource://pipernet\",\"latency_ms\":1.50},\"occurred_at\":\"2026-07-12T10:00:00.123456789Z\"}";

    [Fact]
    public void Key_ids_match_the_vectors()
    {
        Assert.Equal("e1b7708d5e844531", TestKeys.Ring(TestKeys.K1).KeyId);
        Assert.Equal("8da7dd731efa7959", TestKeys.Ring(TestKeys.K2).KeyId);
        Assert.Equal("e46748c743c8c7be", TestKeys.Ring(TestKeys.T).KeyId);
    }

    [Fact]
    public void Signs_the_audit_vector() =>
        Assert.Equal(
            "c44ea7ed4bf2b078bfa6e04441a61436b5cb6fe37bbbe35be10cbb8488385bf5",
            TestKeys.Ring(TestKeys.K1).SignHex(System.Text.Encoding.UTF8.GetBytes(VectorA)));

    [Fact]
    public void Many_may_sign_at_once()
    {
        var key = Key(1);
        Parallel.For(0, 10_000, i =>
        {
            byte[] data = [.. BitConverter.GetBytes(i), .. new byte[i % 300]];
            Assert.Equal(
                Convert.ToHexStringLower(System.Security.Cryptography.HMACSHA256.HashData(key.Material, data)),
                key.SignHex(data));
        });
    }

    [Fact]
    public void Says_which_slot_matched_and_keeps_the_archive_out_of_fresh_evidence()
    {
        var ring = new HmacKeyRing(new HmacKeySet(
            KeyClass.AuditHmac, Key(1), next: Key(2), previous: [Key(3), Key(4)], archive: [Key(5)]));
        Assert.Equal(KeySlot.Current, Slot(1));
        Assert.Equal(KeySlot.Next, Slot(2));
        Assert.Equal(KeySlot.Previous, Slot(3));
        Assert.Equal(KeySlot.Previous, Slot(4));
        Assert.Equal(KeySlot.None, Slot(5));
        Assert.Equal(KeySlot.None, Slot(6));
        var mac = new byte[32];
        Key(5).Sign("data"u8, mac);
        Assert.True(ring.VerifyHistoric("data"u8, mac, out var slot));
        Assert.Equal(KeySlot.Archive, slot);
        Assert.Equal(Key(5).KeyId, ring.Find(Key(5).KeyId, out _)?.KeyId);
        Assert.Null(ring.Find("0000000000000000", out _));

        KeySlot Slot(byte seed)
        {
            var hex = Key(seed).SignHex("data"u8);
            Assert.Equal(ring.VerifyHex("data"u8, hex, out var plain), ring.VerifyHex("data"u8, hex.ToUpperInvariant(), out var upper));
            Assert.Equal(plain, upper);
            return plain;
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("zz")]
    public void Refuses_a_malformed_mac(string hex) => Assert.False(TestKeys.Ring(TestKeys.K1).VerifyHex("data"u8, hex, out _));

    [Fact]
    public void A_replaced_ring_signs_with_the_new_key_at_once()
    {
        var ring = HmacKeyRing.Of(KeyClass.AuditHmac, TestKeys.K1);
        var before = ring.SignHex("data"u8);
        ring.Replace(new HmacKeySet(KeyClass.AuditHmac, new HmacKey(KeyClass.AuditHmac, TestKeys.K2), previous: [ring.Current]));
        Assert.NotEqual(before, ring.SignHex("data"u8));
        Assert.True(ring.VerifyHex("data"u8, before, out var slot));
        Assert.Equal(KeySlot.Previous, slot);
        Assert.Throws<ArgumentException>(() => ring.Replace(new HmacKeySet(KeyClass.StreamsHmac, Key(1))));
    }

    [Fact]
    [Trait("requirement", "R27")]
    public void A_token_ring_accepts_every_slot_and_nothing_else()
    {
        var ring = new TokenRing(new TokenSet(KeyClass.AdminToken, new SecretText("current"), new SecretText("next"), [new SecretText("old")]));
        Assert.True(ring.Verify("current", out var slot));
        Assert.Equal(KeySlot.Current, slot);
        Assert.True(ring.Verify("next", out slot));
        Assert.Equal(KeySlot.Next, slot);
        Assert.True(ring.Verify("old", out slot));
        Assert.Equal(KeySlot.Previous, slot);
        Assert.False(ring.Verify("", out slot));
        Assert.Equal(KeySlot.None, slot);
        Assert.False(ring.Verify("currents", out _));
    }

    private static HmacKey Key(byte seed) => new(KeyClass.AuditHmac, System.Security.Cryptography.SHA256.HashData([seed]));
}
