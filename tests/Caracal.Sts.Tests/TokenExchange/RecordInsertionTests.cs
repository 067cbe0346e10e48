using Caracal.Protocol;
using Caracal.Storage.TokenExchange;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.TokenExchange;

/// <summary>B10: what was revoked between the decision and the insert is not minted from.</summary>
public sealed class RecordInsertionTests
{
    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_revocation_in_between_leaves_nothing_behind(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var insertion = new AuthorityRecordInsertion(sts.Database, new ExchangeFactsMemory(sts.Database), TimeProvider.System);
        await insertion.OpenAsync(CancellationToken.None);
        var lookup = new ExchangeLookup("zone-1", null, "s2", "e1");
        await sts.SqlAsync("UPDATE delegation_edges SET status = 'revoked', revoked_at = @now WHERE id = 'e1'", new { now = DateTimeOffset.UtcNow });
        var outcome = await insertion.InsertAsync(
            Record() with { UsedJti = "jti-1", UsedJtiIssuedAt = DateTimeOffset.UtcNow.AddSeconds(1), UsedJtiExpiresAt = DateTimeOffset.UtcNow }, lookup, 0,
            facts => facts.Delegation!.Lineage[0].IsLive(DateTimeOffset.UtcNow), CancellationToken.None);
        Assert.Equal(RecordOutcome.AuthorityGone, outcome);
        Assert.Equal(0, await sts.ScalarAsync<long>("SELECT count(*) FROM used_mandates"));
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records"));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_delegation_falls_with_the_user_behind_its_source(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var now = DateTimeOffset.UtcNow;
        await sts.SqlAsync(
            """
            INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
            VALUES ('user-1', 'zone-1', 'user', 'ada', 'active', @end, @now, @now)
            """,
            new { now, end = now.AddHours(1) });
        await sts.SqlAsync("UPDATE sessions SET subject_authority_record_id = 'user-1' WHERE id = 's1'");
        var insertion = new AuthorityRecordInsertion(sts.Database, new ExchangeFactsMemory(sts.Database), TimeProvider.System);
        await insertion.OpenAsync(CancellationToken.None);
        var lookup = new ExchangeLookup("zone-1", null, "s2", "e1");
        Assert.Equal(RecordOutcome.Written, await insertion.InsertAsync(Record(), lookup, 0, _ => false, CancellationToken.None));
        await sts.SqlAsync("UPDATE authority_records SET status = 'revoked', revoked_at = @now WHERE id = 'user-1'", new { now });
        bool Judge(ExchangeFacts facts) => facts.Delegation!.Source!.IsActive(now);
        Assert.Equal(RecordOutcome.AuthorityGone, await insertion.InsertAsync(Record(), lookup, 0, Judge, CancellationToken.None));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_graph_that_moved_on_is_judged_again(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var insertion = new AuthorityRecordInsertion(sts.Database, new ExchangeFactsMemory(sts.Database), TimeProvider.System);
        await insertion.OpenAsync(CancellationToken.None);
        var lookup = new ExchangeLookup("zone-1", null, "s2", "e1");
        await sts.SqlAsync("INSERT INTO delegation_graph_epochs (zone_id, epoch, updated_at) VALUES ('zone-1', 3, @now)", new { now = DateTimeOffset.UtcNow });
        var judged = 0;
        bool Judge(ExchangeFacts facts)
        {
            judged++;
            return facts.Delegation!.Epoch == 3;
        }

        Assert.Equal(RecordOutcome.Written, await insertion.InsertAsync(Record(), lookup, 2, Judge, CancellationToken.None));
        Assert.Equal(1, judged);
        Assert.Equal(RecordOutcome.Written, await insertion.InsertAsync(Record(), lookup, 3, Judge, CancellationToken.None));
        Assert.Equal(1, judged);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Spent_mandates_are_forgotten_when_they_are_over(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var insertion = new AuthorityRecordInsertion(sts.Database, new ExchangeFactsMemory(sts.Database), TimeProvider.System);
        await insertion.OpenAsync(CancellationToken.None);
        var lookup = new ExchangeLookup("zone-1", null, null, null);
        var now = DateTimeOffset.UtcNow;
        foreach (var (jti, end) in new[] { ("old", now.AddSeconds(-1)), ("new", now.AddMinutes(5)) })
        {
            await insertion.InsertAsync(Record() with { UsedJti = jti, UsedJtiIssuedAt = DateTimeOffset.UtcNow.AddSeconds(1), UsedJtiExpiresAt = end }, lookup, 0, _ => true, CancellationToken.None);
        }

        Assert.Equal(1, await insertion.PurgeUsedAsync(now, CancellationToken.None));
        var again = await insertion.InsertAsync(Record() with { UsedJti = "new", UsedJtiIssuedAt = DateTimeOffset.UtcNow.AddSeconds(1), UsedJtiExpiresAt = now.AddMinutes(5) }, lookup, 0, _ => true, CancellationToken.None);
        Assert.Equal(RecordOutcome.MandateAlreadyUsed, again);
    }

    private static NewAuthorityRecord Record() => new()
    {
        Id = Ids.New(),
        ZoneId = "zone-1",
        SessionType = "application",
        SubjectId = "app-p",
        ExpiresAt = DateTimeOffset.UtcNow.AddMinutes(5),
        Now = DateTimeOffset.UtcNow,
    };
}
