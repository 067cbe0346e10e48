using Caracal.TestKit;
using SQLitePCL;

namespace Caracal.Storage.Tests.Sqlite;

public sealed class SqliteLibraryTests
{
    [Fact]
    public async Task Takes_its_settings_so_that_it_counts_no_memory_under_a_lock()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        Assert.Equal(0, raw.sqlite3_memory_used());
    }
}
