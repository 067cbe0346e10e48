using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Canonical;
using Caracal.Evidence.Ledger;

namespace Caracal.Evidence.Tests.AdminAudit;

public class AdminAuditHashTests
{
    private const string Payload = "{\"rls_mode\":\"control_plane_wildcard\",\"rls_zone_guc\":\"*\",\"change_kind\":\"create\",\"changed_fields\":[\"name\"]}";

    private static readonly AdminAuditEntry Api = new()
    {
        Id = "0198c1d2-0000-7000-8000-000000000101",
        RequestId = "req-1",
        ActorId = "tok-1",
        ActorName = "bootstrap",
        ActorScope = "global",
        Action = "POST /v1/zones",
        Method = "POST",
        Path = "/v1/zones",
        ZoneId = "z1",
        EntityType = "zones",
        EntityId = "z1",
        StatusCode = 201,
        PayloadJson = Payload,
        OccurredAt = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
    };

    [Fact]
    public void Chains_our_vector_over_the_canonical_payload()
    {
        var key = TestKeys.Key(Convert.FromHexString("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"));
        Assert.Equal(
            "{\"rls_mode\": \"control_plane_wildcard\", \"change_kind\": \"create\", \"rls_zone_guc\": \"*\", \"changed_fields\": [\"name\"]}",
            CanonicalJson.Text(Payload));
        var row = AdminAuditHash.Link(Api with { PayloadJson = CanonicalJson.Text(Payload) }, ChainHead.Empty, key);
        Assert.Equal("c9d54624045524cc162f9c07d24907fddf3a42edaba8a58d10b75cd92711ce65", row.ContentSha256);
        Assert.Equal("be0cf343f12d11ee32bf6c453bd7c9b710a258003c1a58f48ccd76e06bdbd5d0", row.ChainHmac);
        Assert.Equal("e5a6c7d72ba427164ba180414244cb852b77da2dcb8f1baecde9ab12ce89e300", AdminAuditHash.Content(Api));
        Assert.Equal("c98b00f82975a0f358fcf324f2f8c174f89db6676c78a4ccff1d9f967248fca0", LedgerHash.ChainHmac(key, AdminAuditHash.Content(Api), null));
    }

    [Fact]
    public void Hashes_the_vector_of_the_audit_chapter()
    {
        var entry = Api with { Id = "019a0000-0000-7000-8000-0000000000d1", RequestId = "req-9", OccurredAt = new DateTimeOffset(2026, 7, 12, 10, 0, 0, TimeSpan.Zero) };
        var content = AdminAuditHash.Content(entry);
        Assert.Equal("c11a3b2a3c3b8bc18754b21db8ccea6397e6b3c28d454418716c8f1d9ea21853", content);
        Assert.Equal("eaa907c4e4af8d4f0b821a6a4f44634c1db4edfbec743dd46a97c9c015aea3e5", LedgerHash.ChainHmac(TestKeys.K1, content, ""));
    }

    [Fact]
    public void Hashes_the_vector_of_the_coordinator()
    {
        var entry = new AdminAuditEntry
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
        };
        var row = AdminAuditHash.Link(entry, ChainHead.Empty, TestKeys.Key([.. Enumerable.Repeat((byte)1, 32)]));
        Assert.Equal("4acdec0cfe83f144d77a5de5b7aaf571a4a6bb68433353095277f0285a385d4d", row.ContentSha256);
        Assert.Equal("66c35da4c1f83eb0c6b4e06eef4a18c496221043542b0118d5e10625f42dbe2c", row.ChainHmac);
    }

    [Fact]
    public void Admin_chains_verify_like_any_chain_and_have_their_own_names()
    {
        var first = AdminAuditHash.Link(Api, ChainHead.Empty, TestKeys.K1);
        var second = AdminAuditHash.Link(Api with { Id = "b", ActorName = "a\0b", OccurredAt = Api.OccurredAt.AddTicks(12345) }, new ChainHead(first.ChainSeq, first.ContentSha256), TestKeys.K1);
        Assert.Equal("ab", second.Entry.ActorName);
        var ring = TestKeys.Ring(TestKeys.K1);
        Assert.True(ChainVerifier.Verify([first, second], ring).IsClean);
        var finding = Assert.Single(ChainVerifier.Verify([first, second with { Entry = second.Entry with { StatusCode = 500 } }], ring).Findings);
        Assert.Equal(("content_mismatch", "admin-audit:z1"), (finding.Word, finding.Chain));
        Assert.Equal("admin-audit::global", AdminAuditHash.ChainOf(null));
    }
}
