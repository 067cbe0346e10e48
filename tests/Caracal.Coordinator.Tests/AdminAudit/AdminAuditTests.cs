using Caracal.Coordinator.AdminAudit;
using Caracal.Coordinator.Tests.Support;
using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Dapper;

namespace Caracal.Coordinator.Tests.AdminAudit;

/// <summary>coordinator.md 14, 17 and 20.21 on the wire.</summary>
public sealed class AdminAuditTests
{
    private static readonly HmacKey Key = new(KeyClass.AuditHmac, Convert.FromHexString(TestSettings.AuditKey));

    [Fact]
    public async Task Writes_one_verifiable_link_for_every_change_and_none_for_a_beat()
    {
        var coordinator = await TestCoordinator.StartAsync();
        await using (coordinator)
        {
            var id = await coordinator.StartSessionAsync(more: ",\"lifecycle\":\"service\"");
            await coordinator.PostAsync($"/zones/z1/agents/{id}/heartbeat", coordinator.App1, """{"lease_generation":1}""");
            await coordinator.PostAsync($"/zones/z1/agents/{id}/heartbeat", coordinator.App1, """{"lease_generation":9}""");
            await coordinator.SendAsync("PATCH", $"/zones/z1/agents/{id}/suspend?x=y", coordinator.App1, headers: ("x-request-id", "req-1"));
            await coordinator.SendAsync("DELETE", $"/zones/z1/agents/{id}", TestSettings.OperatorToken);
            await coordinator.GetAsync("/zones/z1/agents", coordinator.App1);

            var rows = await ReadAsync(coordinator.Owner);
            Assert.Equal(["POST /zones/z1/agents", $"PATCH /zones/z1/agents/{id}/suspend", $"DELETE /zones/z1/agents/{id}"], rows.Select(row => row.Entry.Action));
            Assert.Equal([201, 200, 204], rows.Select(row => row.Entry.StatusCode));
            Assert.Equal(("req-1", "app1", "agent:lifecycle", "agents", id), (rows[1].Entry.RequestId, rows[1].Entry.ActorName, rows[1].Entry.ActorScope, rows[1].Entry.EntityType, rows[1].Entry.EntityId));
            Assert.Equal("caracal-operator", rows[2].Entry.ActorId);
            AssertChained(rows);
        }
    }

    [Fact]
    public async Task Writes_refusals_of_known_callers_after_the_reply()
    {
        var coordinator = await TestCoordinator.StartAsync();
        await using (coordinator)
        {
            await coordinator.GetAsync("/zones/z1/agents/unknown", coordinator.App1);
            await coordinator.GetAsync("/zones/z1/agents/unknown", "garbage");
            await coordinator.StopAsync();
            var row = Assert.Single(await ReadAsync(coordinator.Owner));
            Assert.Equal(("GET /zones/z1/agents/unknown", 404), (row.Entry.Action, row.Entry.StatusCode));
            AssertChained([row]);
        }
    }

    [Fact]
    public async Task Undoes_a_change_that_cannot_be_recorded()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        await coordinator.ExecuteAsync("CREATE TRIGGER no_audit BEFORE INSERT ON admin_audit_events BEGIN SELECT RAISE(ABORT, 'no'); END");
        var answer = await coordinator.PostAsync("/zones/z1/agents", coordinator.App1, """{"application_id":"app1"}""");
        answer.AssertRefused(500, "audit_unavailable");
        Assert.NotEqual("", answer.Json.GetProperty("message").GetString());
        Assert.Equal(0, await coordinator.ScalarAsync<long>("SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM caracal_outbox)"));
    }

    [Theory]
    [InlineData("/zones/z1/agents", "agents", null)]
    [InlineData("/zones/z1/agents/a1/suspend", "agents", "a1")]
    [InlineData("/zones/z1/delegations/inbound/s1", "delegations", "inbound")]
    [InlineData("/x", null, null)]
    public void Names_the_entity_by_the_last_known_pair(string path, string? type, string? id) =>
        Assert.Equal((type, id), AdminAuditTrail.EntityOf(path));

    private static void AssertChained(IReadOnlyList<AdminAuditRow> rows)
    {
        var previous = "";
        foreach (var (row, index) in rows.Select((row, index) => (row, index)))
        {
            Assert.Equal(index + 1, row.ChainSeq);
            Assert.Equal(AdminAuditHash.Content(row.Entry), row.ContentSha256);
            Assert.Equal(previous, row.PrevContentSha256 ?? "");
            Assert.Equal(LedgerHash.ChainHmac(Key, row.ContentSha256, previous), row.ChainHmac);
            previous = row.ContentSha256;
        }
    }

    private static async Task<IReadOnlyList<AdminAuditRow>> ReadAsync(Database database)
    {
        var rows = await database.ReadAsync(connection => connection.QueryAsync<Row>("SELECT * FROM admin_audit_events ORDER BY chain_seq"));
        return [.. rows.Select(row => new AdminAuditRow
        {
            Entry = new AdminAuditEntry
            {
                Id = row.Id,
                RequestId = row.RequestId,
                ActorId = row.ActorId,
                ActorName = row.ActorName,
                ActorScope = row.ActorScope,
                Action = row.Action,
                Method = row.Method,
                Path = row.Path,
                ZoneId = row.ZoneId,
                EntityType = row.EntityType,
                EntityId = row.EntityId,
                StatusCode = row.StatusCode,
                OccurredAt = row.OccurredAt,
            },
            ChainSeq = row.ChainSeq,
            ContentSha256 = row.ContentSha256,
            PrevContentSha256 = row.PrevContentSha256,
            ChainHmac = row.ChainHmac,
        })];
    }

    private sealed record Row
    {
        public string Id { get; init; } = "";
        public string RequestId { get; init; } = "";
        public string? ActorId { get; init; }
        public string? ActorName { get; init; }
        public string? ActorScope { get; init; }
        public string Action { get; init; } = "";
        public string Method { get; init; } = "";
        public string Path { get; init; } = "";
        public string? ZoneId { get; init; }
        public string? EntityType { get; init; }
        public string? EntityId { get; init; }
        public int StatusCode { get; init; }
        public DateTimeOffset OccurredAt { get; init; }
        public long ChainSeq { get; init; }
        public string ContentSha256 { get; init; } = "";
        public string? PrevContentSha256 { get; init; }
        public string? ChainHmac { get; init; }
    }
}
