using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests;

/// <summary>Changes of many callers commit together, and none falls with another's fault.</summary>
public sealed class ChangeTests
{
    private const string Insert = "INSERT INTO zone_versions (zone_id, version) VALUES (@id, @version)";
    private const string Raise = "UPDATE zone_versions SET version = version + 1 WHERE zone_id = @id";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_change_that_fails_leaves_nothing_and_takes_nobody_with_it(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine);
        await store.Database.WriteAsync(work => work.Connection.ExecuteAsync("INSERT INTO zone_versions (zone_id, version) VALUES ('taken', 1)"));
        var changes = Enumerable.Range(0, 200).Select(i => store.Database.ChangeAsync(
            new Change(AdvisoryLock.Of($"lock-{i % 3}"), WriteKind.Authority,
            [
                new(Insert, ["@id", "@version"], [$"z{i}", (long)i]),
                new(i % 10 == 7 ? Insert : Raise, i % 10 == 7 ? ["@id", "@version"] : ["@id"], i % 10 == 7 ? ["taken", 1L] : [$"z{i}"]),
            ]))).ToList();
        for (var i = 0; i < changes.Count; i++)
        {
            if (i % 10 == 7) await Assert.ThrowsAnyAsync<Exception>(() => changes[i]);
            else Assert.Equal((int[])[1, 1], await changes[i]);
        }

        await store.ReopenAsync();
        Assert.Equal(181, await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM zone_versions")));
        Assert.Equal(1, await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT version FROM zone_versions WHERE zone_id = 'z0'")));
    }

    [Fact]
    public async Task Waits_for_whoever_holds_the_lock_alone_and_for_nobody_who_shares_it()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres);
        var held = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        var holder = store.Database.WriteAsync(async work =>
        {
            await work.LockAsync("graph");
            held.SetResult();
            await release.Task;
            await work.Connection.ExecuteAsync("INSERT INTO zone_versions (zone_id, version) VALUES ('z', 1)");
        });
        await held.Task;
        Task<int[]> Raising(string name) => store.Database.ChangeAsync(new Change(AdvisoryLock.Of(name), WriteKind.Authority, [new(Raise, ["@id"], ["z"])]));
        var waiting = Raising("graph");
        Assert.Equal((int[])[0], await Raising("another"));
        Assert.False(waiting.IsCompleted);
        release.SetResult();
        await holder;
        Assert.Equal((int[])[1], await waiting); // it sees what the holder did
    }
}
