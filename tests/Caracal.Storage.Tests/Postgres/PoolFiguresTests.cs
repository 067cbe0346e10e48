using Caracal.Storage.Postgres;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Postgres;

public class PoolFiguresTests
{
    [Fact]
    public async Task Counts_the_connections_in_use_of_its_own_pools_and_of_no_other()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres);
        var database = (PostgresDatabase)store.Database;
        var release = new TaskCompletionSource();
        Assert.Equal(0, database.Pool.Acquired);

        var held = Enumerable.Range(0, 3).Select(_ => HoldAsync(database, release.Task)).ToArray();
        await Task.WhenAll(held.Select(one => one.Entered));
        Assert.Equal(3, database.Pool.Acquired);
        Assert.True(database.Pool.Maximum >= 3);

        release.SetResult();
        await Task.WhenAll(held.Select(one => one.Left));
        Assert.Equal(0, database.Pool.Acquired);
    }

    private static (Task Entered, Task Left) HoldAsync(PostgresDatabase database, Task until)
    {
        var entered = new TaskCompletionSource();
        var left = database.ReadAsync(async connection =>
        {
            var one = await connection.ExecuteScalarAsync<int>("SELECT 1");
            entered.SetResult();
            await until;
            return one;
        });
        return (entered.Task, left);
    }
}
