using Caracal.Storage.Postgres;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Postgres;

public sealed class RefusedChangeTests
{
    [Theory]
    [InlineData("40001", true)]
    [InlineData("40P01", true)]
    [InlineData("55P03", true)]
    [InlineData("57014", true)]
    [InlineData("53100", false)]
    [InlineData("25006", false)]
    public async Task A_change_that_is_refused_for_now_says_whether_the_store_takes_others(string sqlState, bool refusedThis)
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres);
        var refused = await Assert.ThrowsAsync<StorageUnavailableException>(
            () => store.Database.WriteAsync(work => work.Connection.ExecuteAsync(Raise(sqlState))));
        Assert.Equal(refusedThis, refused.RefusedThis);

        refused = await Assert.ThrowsAsync<StorageUnavailableException>(
            () => store.Database.ChangeAsync(new Change(AdvisoryLock.Of("a"), WriteKind.Authority, [new(Raise(sqlState), [], [])])));
        Assert.Equal(refusedThis, refused.RefusedThis);
    }

    [Fact]
    public async Task A_deadlock_says_nothing_about_the_connections_to_the_server()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres);
        var pool = ((PostgresDatabase)store.Database).Pool;
        var before = (pool.AuthErrors, pool.ConnectErrors, pool.Timeouts);
        await Assert.ThrowsAsync<StorageUnavailableException>(() => store.Database.WriteAsync(work => work.Connection.ExecuteAsync(Raise("40P01"))));
        Assert.Equal(before, (pool.AuthErrors, pool.ConnectErrors, pool.Timeouts));
    }

    private static string Raise(string sqlState) => $"DO $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{sqlState}'; END $$";
}
