using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;

namespace Caracal.Coordinator.Tests;

/// <summary>The vectors of coordinator.md 17; the request digests stand with the Idempotency tests.</summary>
public sealed class SpecificationVectorTests
{
    private static readonly byte[] Ones = [.. Enumerable.Repeat((byte)1, 32)];
    private static readonly HmacKeyRing Streams = HmacKeyRing.Of(KeyClass.StreamsHmac, [.. new byte[31], 1]);

    [Fact]
    public void Digests_keys_and_locks()
    {
        var ring = HmacKeyRing.Of(KeyClass.IdempotencyHmac, Ones);
        Assert.Equal("bbaae8ce387b7a0c9771c804e2945ac6ad2f19bd3048455569ad5a3265e917b9", Convert.ToHexStringLower(IdempotencyDigest.Of(ring, "delivery-42")));
        Assert.Equal("f25c7927a8f691df434f5efe6e2cb274521127e70692f8f6b792610c40dcd8c6", IdempotencyDigest.LockName("delivery-42"));
    }

    [Fact]
    [Trait("requirement", "R81")]
    public void Signs_lifecycle_and_invalidation_messages()
    {
        Assert.Equal("4015c520d7fc2d7f4d39e339de4b52a8bbff2979280e253e62056b2ef5182449", StreamSignature.Sign(Streams, "caracal.agents.lifecycle",
        [
            new("agent_session_id", "0198f4a1-0000-7000-8000-0000000000aa"), new("dedupe_key", "terminate:0198f4a1-0000-7000-8000-0000000000aa"),
            new("event", "terminate"), new("outbox_id", "0198f4a1-0000-7000-8000-000000000001"), new("parent_id", "null"),
            new("reason", "requested"), new("zone_id", "z1"),
        ]));
        Assert.Equal("ba86e324144fe28c9ce13a61905b2ae831524f47b83203b58d84de607117ad52", StreamSignature.Sign(Streams, "caracal.delegations.invalidate",
        [
            new("affected_edges", "2"), new("dedupe_key", "edge_revoke:0198f4a1-0000-7000-8000-0000000000bb"),
            new("edge_id", "0198f4a1-0000-7000-8000-0000000000bb"), new("epoch", "9"), new("event", "edge_revoke"),
            new("outbox_id", "0198f4a1-0000-7000-8000-000000000002"), new("zone_id", "z1"),
        ]));
    }

    [Fact]
    public void Chains_admin_audit_rows()
    {
        var row = AdminAuditHash.Link(new AdminAuditEntry
        {
            Id = "0198f4a1-0000-7000-8000-0000000000c1",
            RequestId = "req-1",
            ActorId = "app1",
            ActorName = "app1",
            ActorScope = "agent:lifecycle",
            Action = "DELETE /zones/z1/agents/a1",
            Method = "DELETE",
            Path = "/zones/z1/agents/a1",
            ZoneId = "z1",
            EntityType = "agents",
            EntityId = "a1",
            StatusCode = 204,
            OccurredAt = new DateTimeOffset(2026, 7, 11, 13, 0, 0, TimeSpan.Zero),
        }, ChainHead.Empty, new HmacKey(KeyClass.AuditHmac, Ones));
        Assert.Equal("4acdec0cfe83f144d77a5de5b7aaf571a4a6bb68433353095277f0285a385d4d", row.ContentSha256);
        Assert.Equal("66c35da4c1f83eb0c6b4e06eef4a18c496221043542b0118d5e10625f42dbe2c", row.ChainHmac);
    }
}
