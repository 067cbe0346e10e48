using System.Text;
using Caracal.Evidence.Checkpoints;
using Caracal.Keys.Rings;

namespace Caracal.Audit.Tests;

/// <summary>The vectors of audit.md 2.2 and 4: key K1, zone z1.</summary>
internal static class Vectors
{
    public const string ContentA = "6046c46028cc36f1b015935e443e688d7b9d1e736125f46e041d330e319f6ec2";
    public const string HmacA = "95b5b56c21a89033f827fe157f9df801cf9553b1b7eaac0cd91d6c9294bf1bd4";
    public const string ContentB = "3257425ad6fc8812ba1b00ce77b52e529c5cd01ca8938f1dafbc71a686d6a476";
    public const string HmacB = "6b4088182d3e0a3ca07ef1f6968c716d3d3c1afb2b2692159fc7f18d21164ffa";
    public const string SignatureA = "c44ea7ed4bf2b078bfa6e04441a61436b5cb6fe37bbbe35be10cbb8488385bf5";
    public const string SignatureB = "8cd1beb352d981bd6cd942c52ca77ace8a8c92f0de07663671391374402b622a";

    public const string A =
        """{"id":"019a0000-0000-7000-8000-0000000000a1","zone_id":"z1","event_type":"token_exchange","request_id":"req-1","decision":"allow","policy_set_version_id":"psv-1","manifest_sha":"3a6eb079","evaluation_status":"complete","determining_policies_json":[{"policy":"allow-read"}],"diagnostics_json":null,"metadata_json":{"application_id":"app-1","requested_scopes":["read"],"resource":"resource://pipernet","latency_ms":1.50},"occurred_at":"2026-07-12T10:00:00.123456789Z"}""";

    public const string B =
        """{"id":"019a0000-0000-7000-8000-0000000000a2","zone_id":"z1","event_type":"gateway_resource_request","request_id":"req-1","decision":"allow","evaluation_status":"executed","determining_policies_json":[],"diagnostics_json":[],"metadata_json":{"gateway_status":200,"method":"GET"},"occurred_at":"2026-07-12T12:00:01+02:00"}""";

    public static HmacKeyRing Keys { get; } = Ring(0);

    public static NoteSigner CheckpointSigner { get; } = new("caracal", [.. Enumerable.Range(64, 32).Select(value => (byte)value)]);

    public static HmacKeyRing OtherKeys { get; } = Ring(32);

    public static string Sign(string data, HmacKeyRing? keys = null) => (keys ?? Keys).SignHex(Encoding.UTF8.GetBytes(data));

    /// <summary>A valid event with an id and a zone of its own.</summary>
    public static string Event(string id, string zone = "z1", string decision = "allow", string metadata = "{}") =>
        $$"""{"id":"{{id}}","zone_id":"{{zone}}","event_type":"token_exchange","request_id":"req-{{id}}","decision":"{{decision}}","evaluation_status":"complete","determining_policies_json":[],"diagnostics_json":[],"metadata_json":{{metadata}},"occurred_at":"2026-07-12T10:00:00Z"}""";

    private static HmacKeyRing Ring(byte first) =>
        HmacKeyRing.Of(KeyClass.AuditHmac, Enumerable.Range(first, 32).Select(value => (byte)value).ToArray());
}
