using System.Buffers;
using System.Text;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;

namespace Caracal.Evidence.Tests.Events;

public class AuditEventTests
{
    private static readonly DateTimeOffset When = new DateTimeOffset(2026, 7, 12, 12, 0, 0, TimeSpan.FromHours(2)).AddTicks(1234567);

    [Fact]
    public void Writes_the_fields_in_the_order_of_the_specification()
    {
        var evidence = Sample() with { PolicySetId = "ps", PolicySetVersionId = "psv", ManifestSha = "sha" };
        Assert.Equal(
            "{\"id\":\"e1\",\"zone_id\":\"z1\",\"event_type\":\"token_exchange\",\"request_id\":\"r1\",\"decision\":\"allow\",\"policy_set_id\":\"ps\",\"policy_set_version_id\":\"psv\",\"manifest_sha\":\"sha\",\"evaluation_status\":\"complete\",\"determining_policies_json\":[{\"policy\":\"p\"}],\"diagnostics_json\":[\"d\"],\"metadata_json\":{\"resource\":\"resource://x\",\"n\":1},\"occurred_at\":\"2026-07-12T10:00:00.123456Z\"}",
            Encoding.UTF8.GetString(evidence.ToUtf8()));
    }

    [Fact]
    public void Leaves_out_what_is_empty()
    {
        var evidence = Sample() with { DeterminingPoliciesJson = default, DiagnosticsJson = AuditJson.EmptyArray, MetadataJson = default, PolicySetId = "" };
        Assert.Equal(
            "{\"id\":\"e1\",\"zone_id\":\"z1\",\"event_type\":\"token_exchange\",\"request_id\":\"r1\",\"decision\":\"allow\",\"evaluation_status\":\"complete\",\"determining_policies_json\":[],\"diagnostics_json\":[],\"occurred_at\":\"2026-07-12T10:00:00.123456Z\"}",
            Encoding.UTF8.GetString(evidence.ToUtf8()));
    }

    [Fact]
    public void What_is_written_is_read_back_the_same()
    {
        var evidence = Sample() with { RequestId = "a\"b\\\u0001é😀<&+" };
        var entry = IngestParser.Parse(evidence.ToUtf8());
        Assert.Equal(evidence.RequestId, entry.RequestId);
        Assert.Equal(Rfc3339.Truncate(When), entry.OccurredAt);
        Assert.Equal("[{\"policy\": \"p\"}]", entry.DeterminingPoliciesJson);
        var buffer = new ArrayBufferWriter<byte>();
        evidence.WriteTo(buffer);
        Assert.Equal(evidence.ToUtf8(), buffer.WrittenSpan.ToArray());
    }

    [Fact]
    public void New_events_have_rising_ids_of_version_7()
    {
        var id = Guid.Parse(new AuditEvent { ZoneId = "z", EventType = "t", RequestId = "r", Decision = "allow", OccurredAt = When }.Id);
        Assert.Equal(7, id.Version);
    }

    [Fact]
    public void Deny_is_recognised_in_any_case()
    {
        Assert.True(AuditDecisions.IsDeny("DENY"));
        Assert.False(AuditDecisions.IsDeny("denied"));
        Assert.False(AuditDecisions.IsDeny(null));
    }

    internal static AuditEvent Sample(string id = "e1") => new()
    {
        Id = id,
        ZoneId = "z1",
        EventType = AuditEventTypes.TokenExchange,
        RequestId = "r1",
        Decision = AuditDecisions.Allow,
        DeterminingPoliciesJson = AuditJson.Policies(["p"]),
        DiagnosticsJson = AuditJson.Texts(["d"]),
        MetadataJson = AuditJson.Object("resource://x", static (writer, resource) =>
        {
            writer.WriteString("resource"u8, resource);
            writer.WriteNumber("n"u8, 1);
        }),
        OccurredAt = When,
    };
}
