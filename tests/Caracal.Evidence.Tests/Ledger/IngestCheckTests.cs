using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;

namespace Caracal.Evidence.Tests.Ledger;

public class IngestCheckTests
{
    private const string Minimal = "{\"id\":\"e1\",\"zone_id\":\"z1\",\"occurred_at\":\"2026-01-02T03:04:05Z\"}";

    [Fact]
    public void Accepts_the_vectors_under_their_key()
    {
        var verdict = Examine(LedgerHashTests.B, "8cd1beb352d981bd6cd942c52ca77ace8a8c92f0de07663671391374402b622a", TestKeys.Ring(TestKeys.K1));
        Assert.Null(verdict.Reason);
        Assert.Equal(KeySlot.Current, verdict.Slot);
        Assert.Equal("e1b7708d5e844531", verdict.IngestKeyId);
        Assert.Equal("{\"method\": \"GET\", \"gateway_status\": 200}", verdict.Entry!.MetadataJson);
        Assert.Equal("2026-07-12T10:00:01.000000Z", Rfc3339.Microseconds(verdict.Entry.OccurredAt));
    }

    [Fact]
    public void Refuses_in_the_order_of_the_specification()
    {
        var ring = TestKeys.Ring(TestKeys.K1);
        Assert.Equal("missing_data_field", Examine("", null, ring).Reason);
        Assert.Equal("event_too_large", IngestCheck.Examine(new byte[11], null, null, ring, maxBytes: 10).Reason);
        Assert.Equal("hmac_verify_failed", Examine("{", null, ring).Reason);
        Assert.Equal("hmac_verify_failed", Examine(Minimal, "00", ring).Reason);
        Assert.Equal("hmac_verify_failed", Examine(Minimal, "xx", ring).Reason);
        Assert.Equal("hmac_verify_failed", Examine(Minimal, Sign(Minimal, TestKeys.K2), ring).Reason);
        Assert.StartsWith("json_parse_error:", Examine("{", Sign("{", TestKeys.K1), ring).Reason, StringComparison.Ordinal);
        Assert.Null(default(IngestVerdict).Entry);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"zone_id\":\"z1\",\"occurred_at\":\"2026-01-02T03:04:05Z\"}")]
    [InlineData("{\"id\":\"\",\"zone_id\":\"z1\",\"occurred_at\":\"2026-01-02T03:04:05Z\"}")]
    [InlineData("{\"id\":5,\"zone_id\":\"z1\",\"occurred_at\":\"2026-01-02T03:04:05Z\"}")]
    [InlineData("{\"id\":\"e1\",\"occurred_at\":\"2026-01-02T03:04:05Z\"}")]
    [InlineData("{\"id\":\"e1\",\"zone_id\":\"z1\"}")]
    [InlineData("{\"id\":\"e1\",\"zone_id\":\"z1\",\"occurred_at\":\"0001-01-01T00:00:00Z\"}")]
    [InlineData("{\"id\":\"e1\",\"zone_id\":\"z1\",\"occurred_at\":\"yesterday\"}")]
    [InlineData("{\"id\":\"e1\",\"zone_id\":\"z1\",\"occurred_at\":\"2026-01-02T03:04:05Z\"} x")]
    [InlineData("{\"id\":\"e1\",\"zone_id\":\"z1\",\"occurred_at\":\"2026-01-02T03:04:05Z\",\"metadata_json\":1e999999}")]
    public void Refuses_what_is_no_event(string data) =>
        Assert.StartsWith("json_parse_error:", Examine(data, null, null).Reason, StringComparison.Ordinal);

    [Fact]
    public void Tolerates_unknown_fields_and_takes_the_last_of_duplicates()
    {
        var entry = Examine("{\"later\":{\"a\":[1]},\"id\":\"e0\",\"id\":\"e1\",\"zone_id\":\"z1\",\"decision\":null,\"occurred_at\":\"2026-01-02T03:04:05Z\",\"diagnostics_json\":null}", null, null).Entry!;
        Assert.Equal("e1", entry.Id);
        Assert.Equal("", entry.Decision);
        Assert.Null(entry.DiagnosticsJson);
        Assert.Null(entry.MetadataJson);
    }

    [Fact]
    public void A_name_is_read_however_it_is_written()
    {
        var entry = Examine("{\"\\u0069d\":\"e1\",\"zone\\u0000_id\":\"z1\",\"zone_idx\":\"z2\",\"\":\"\",\"policy\\u005finput\":{\"a\":1},\"occurred_at\":\"2026-01-02T03:04:05Z\"}", null, null).Entry!;
        Assert.Equal("e1", entry.Id);
        Assert.Equal("z1", entry.ZoneId);
        Assert.Equal("{\"a\":1}"u8, entry.PolicyInput!.Value.Span);
    }

    // The parser keeps what it works with, and the texts of the event before.
    [Fact]
    public void No_event_leaves_anything_to_the_next()
    {
        const string Tail = ",\"occurred_at\":\"2026-01-02T03:04:05Z\"}";
        var first = Examine("{\"id\":\"e1\",\"zone_id\":\"z1\",\"event_type\":\"token_exchange\",\"decision\":\"allow\",\"determining_policies_json\":[{\"policy\":\"p\"}],\"diagnostics_json\":[],\"metadata_json\":{\"a\":1}" + Tail, null, null).Entry!;
        Assert.NotNull(Examine("{\"id\":\"e2\",\"zone_id\":\"z1\",\"decision\":\"deny\",\"metadata_json\":{\"b\":[{\"c\":1e999999}]}" + Tail, null, null).Reason);
        Assert.NotNull(Examine("{\"id\":\"e2\",\"zone_id\":\"z1\",\"metadata_json\":{\"b\":[{\"c\":\"" + new string('x', 300_000) + "\"}", null, null).Reason);
        var huge = Examine("{\"id\":\"e3\",\"zone_id\":\"z1\",\"metadata_json\":{\"b\":\"" + new string('x', 300_000) + "\"}" + Tail, null, null).Entry!;
        Assert.Equal(300_009, huge.MetadataJson!.Length);
        var second = Examine("{\"id\":\"e4\",\"zone_id\":\"z\\u0031\",\"event_type\":\"token_exchangf\",\"decision\":\"all\u00f6w\",\"determining_policies_json\":[{\"policy\":\"q\"}],\"diagnostics_json\":[1]" + Tail, null, null).Entry!;
        Assert.Equal(
            ("e4", "z1", "token_exchangf", "all\u00f6w", "[{\"policy\": \"q\"}]", "[1]", null, ""),
            (second.Id, second.ZoneId, second.EventType, second.Decision, second.DeterminingPoliciesJson, second.DiagnosticsJson, second.MetadataJson, second.RequestId));
        Assert.Equal(first, Examine("{\"id\":\"e1\",\"zone_id\":\"z1\",\"event_type\":\"token_exchange\",\"decision\":\"allow\",\"determining_policies_json\":[{\"policy\":\"p\"}],\"diagnostics_json\":[],\"metadata_json\":{\"a\":1}" + Tail, null, null).Entry!);
    }

    [Fact]
    public void Broken_text_in_what_policy_saw_is_kept_as_text()
    {
        byte[] data = [.. "{\"id\":\"e1\",\"zone_id\":\"z1\",\"policy_input\":{\"a\":\""u8, 0xff, .. "\"},\"occurred_at\":\"2026-01-02T03:04:05Z\"}"u8];
        Assert.Equal("{\"a\":\"\uFFFD\"}", System.Text.Encoding.UTF8.GetString(IngestCheck.Examine(data, null, null, null).Entry!.PolicyInput!.Value.Span));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(1_234_567)]
    [InlineData(9_999_999)]
    public void A_time_is_written_to_the_microsecond(int ticks)
    {
        var time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(-3)).AddTicks(ticks);
        Span<byte> written = stackalloc byte[Rfc3339.MicrosecondLength];
        Rfc3339.WriteMicroseconds(time, written);
        Assert.Equal(Rfc3339.Microseconds(time), System.Text.Encoding.ASCII.GetString(written));
    }

    [Fact]
    public void Nul_and_lone_surrogates_cannot_dead_letter_an_event()
    {
        var entry = Examine("{\"id\":\"e\\u00001\",\"zone_id\":\"z1\",\"request_id\":\"\\ud800\",\"metadata_json\":{\"k\\u0000\":\"\\udfff\\u0000\"},\"occurred_at\":\"2026-01-02T03:04:05Z\"}", null, null).Entry!;
        Assert.Equal("e1", entry.Id);
        Assert.Equal("\uFFFD", entry.RequestId);
        Assert.Equal("{\"k\": \"\uFFFD\"}", entry.MetadataJson);
    }

    [Fact]
    [Trait("requirement", "R23")]
    public void Every_live_slot_admits_and_the_archive_does_not()
    {
        var ring = TestKeys.Ring(TestKeys.K1, next: TestKeys.K2, previous: [TestKeys.T], archive: [TestKeys.B]);
        Assert.Equal(KeySlot.Current, Slot(TestKeys.K1, TestKeys.K1.KeyId));
        Assert.Equal(KeySlot.Next, Slot(TestKeys.K2, TestKeys.K2.KeyId));
        Assert.Equal(KeySlot.Previous, Slot(TestKeys.T, null));
        Assert.Equal(KeySlot.Previous, Slot(TestKeys.T, "ffffffffffffffff"));
        Assert.Equal(KeySlot.None, Slot(TestKeys.T, TestKeys.K1.KeyId));
        Assert.Equal(KeySlot.None, Slot(TestKeys.B, TestKeys.B.KeyId));

        KeySlot Slot(HmacKey key, string? kid) => IngestCheck.Examine(TestKeys.Utf8(Minimal), Sign(Minimal, key), kid, ring).Slot;
    }

    [Theory]
    [InlineData("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z")]
    [InlineData("2026-01-02t03:04:05z", "2026-01-02T03:04:05.000000Z")]
    [InlineData("2026-01-02T03:04:05.123456999Z", "2026-01-02T03:04:05.123456Z")]
    [InlineData("2026-01-02T03:04:05.5-01:30", "2026-01-02T04:34:05.500000Z")]
    [InlineData("2026-01-02T03:04:05.5+14:00", "2026-01-01T13:04:05.500000Z")]
    public void Reads_every_rfc_3339_time_to_the_microsecond(string text, string expected)
    {
        Assert.True(Rfc3339.TryParse(text, out var time));
        Assert.Equal(expected, Rfc3339.Microseconds(time));
    }

    [Theory]
    [InlineData("2026-01-02T03:04:05")]
    [InlineData("2026-01-02 03:04:05Z")]
    [InlineData("2026-02-30T03:04:05Z")]
    [InlineData("2026-01-02T24:00:00Z")]
    [InlineData("2026-01-02T03:04:60Z")]
    [InlineData("2026-01-02T03:04:05.Z")]
    [InlineData("2026-01-02T03:04:05.1234567890Z")]
    [InlineData("2026-01-02T03:04:05+24:00")]
    [InlineData("2026-01-02T03:04:05+0100")]
    [InlineData("0001-01-01T00:00:00+01:00")]
    [InlineData("")]
    public void Refuses_what_is_no_rfc_3339_time(string text) => Assert.False(Rfc3339.TryParse(text, out _));

    private static IngestVerdict Examine(string data, string? signature, HmacKeyRing? ring) =>
        IngestCheck.Examine(TestKeys.Utf8(data), signature, null, ring);

    private static string Sign(string data, HmacKey key) => key.SignHex(TestKeys.Utf8(data));
}
