using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.TokenExchange;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.TokenExchange;

/// <summary>B19 on the embedded store: however the process before ended, nothing that it spent can be spent again.</summary>
public sealed class SpentMandateTests
{
    private readonly SettableTime _time = new();

    [Fact]
    public async Task After_an_orderly_end_the_spent_are_spent_and_the_others_are_not()
    {
        await using var store = await StoreAsync();
        var older = Ids.New();
        await Task.Delay(3);
        var before = await OpenAsync(store);
        Assert.Equal(RecordOutcome.MandateAlreadyUsed, await SpendAsync(before, older)); // From before the first process.
        var (spent, unspent) = (await LaterIdAsync(), await LaterIdAsync());
        Assert.Equal(RecordOutcome.Written, await SpendAsync(before, spent));
        Assert.Equal(RecordOutcome.MandateAlreadyUsed, await SpendAsync(before, spent));
        await before.CloseAsync();
        await Assert.ThrowsAsync<StorageUnavailableException>(() => SpendAsync(before, unspent));
        await store.ReopenAsync();
        var after = await OpenAsync(store);
        Assert.Equal(RecordOutcome.MandateAlreadyUsed, await SpendAsync(after, spent));
        Assert.Equal(RecordOutcome.Written, await SpendAsync(after, unspent));
    }

    [Fact]
    public async Task After_any_other_end_every_mandate_from_before_counts_as_spent_for_good()
    {
        await using var store = await StoreAsync();
        var before = await OpenAsync(store);
        var unspent = await LaterIdAsync();
        Assert.Equal(RecordOutcome.Written, await SpendAsync(before, await LaterIdAsync()));
        await store.ReopenAsync();
        await Task.Delay(3);
        var after = await OpenAsync(store);
        Assert.Equal(RecordOutcome.MandateAlreadyUsed, await SpendAsync(after, unspent));
        Assert.Equal(RecordOutcome.Written, await SpendAsync(after, await LaterIdAsync()));
        await after.CloseAsync();
        await store.ReopenAsync();
        Assert.Equal(RecordOutcome.MandateAlreadyUsed, await SpendAsync(await OpenAsync(store), unspent));
    }

    [Fact]
    public async Task A_clock_that_was_set_back_meanwhile_reopens_nothing()
    {
        await using var store = await StoreAsync();
        var before = await OpenAsync(store);
        var unspent = await LaterIdAsync();
        _time.Off = TimeSpan.FromSeconds(1);
        Assert.Equal(RecordOutcome.Written, await SpendAsync(before, await LaterIdAsync()));
        await store.ReopenAsync();
        _time.Off = TimeSpan.FromHours(-1);
        Assert.Equal(RecordOutcome.MandateAlreadyUsed, await SpendAsync(await OpenAsync(store), unspent));
    }

    [Fact]
    public async Task What_was_refused_for_another_reason_is_not_spent()
    {
        await using var sts = await StsHarness.StartAsync();
        var insertion = new AuthorityRecordInsertion(sts.Database, new ExchangeFactsMemory(sts.Database), _time);
        await insertion.OpenAsync(CancellationToken.None);
        var jti = await LaterIdAsync();
        Assert.Equal(RecordOutcome.AuthorityGone, await SpendAsync(insertion, jti, new ExchangeLookup("zone-1", "no-record", null, null), false));
        Assert.Equal(RecordOutcome.Written, await SpendAsync(insertion, jti));
    }

    [Fact]
    public async Task An_id_that_is_no_uuid_is_dated_by_its_second()
    {
        await using var store = await StoreAsync();
        var insertion = await OpenAsync(store);
        var later = _time.GetUtcNow().AddSeconds(1);
        Assert.Equal(RecordOutcome.MandateAlreadyUsed, await SpendAsync(insertion, "opaque", issuedAt: _time.GetUtcNow().AddSeconds(-1)));
        Assert.Equal(RecordOutcome.Written, await SpendAsync(insertion, "opaque", issuedAt: later));
        Assert.Equal(RecordOutcome.MandateAlreadyUsed, await SpendAsync(insertion, "opaque", issuedAt: later));
    }

    private static async Task<TestStore> StoreAsync()
    {
        var store = await TestStore.CreateAsync(Engine.Sqlite);
        await store.Database.WriteAsync(work => Dapper.SqlMapper.ExecuteAsync(
            work.Connection, "INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES ('zone-1', 'z', 'z', 0, 0)"));
        return store;
    }

    private async Task<AuthorityRecordInsertion> OpenAsync(TestStore store)
    {
        var insertion = new AuthorityRecordInsertion(store.Database, new ExchangeFactsMemory(store.Database), _time);
        await insertion.OpenAsync(CancellationToken.None);
        return insertion;
    }

    private static async Task<string> LaterIdAsync()
    {
        await Task.Delay(3);
        return Ids.New();
    }

    private Task<RecordOutcome> SpendAsync(
        AuthorityRecordInsertion insertion, string jti, ExchangeLookup? lookup = null, bool holds = true, DateTimeOffset? issuedAt = null) =>
        insertion.InsertAsync(
            new NewAuthorityRecord
            {
                Id = Ids.New(),
                ZoneId = "zone-1",
                SessionType = "application",
                SubjectId = "app-p",
                ExpiresAt = DateTimeOffset.UtcNow.AddMinutes(5),
                Now = _time.GetUtcNow(),
                UsedJti = jti,
                UsedJtiIssuedAt = issuedAt ?? DateTimeOffset.UtcNow,
                UsedJtiExpiresAt = DateTimeOffset.UtcNow.AddMinutes(5),
            },
            lookup ?? new ExchangeLookup("zone-1", null, null, null), 0, _ => holds, CancellationToken.None);

    private sealed class SettableTime : TimeProvider
    {
        public TimeSpan Off { get; set; }

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow + Off;
    }
}
