using Caracal.TestKit;
using Microsoft.Data.Sqlite;

namespace Caracal.Storage.Tests.Sqlite;

public sealed class SqliteFaultTests
{
    [Theory]
    [InlineData(9)] // INTERRUPT
    [InlineData(15)] // PROTOCOL
    [InlineData(13)] // FULL
    public async Task What_fails_for_now_is_the_store_and_not_the_statement(int code)
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        var refused = await Assert.ThrowsAsync<StorageUnavailableException>(() => store.Database.WriteAsync(_ => throw new SqliteException("no", code)));
        Assert.False(refused.RefusedThis);
    }
}
