using Caracal.Storage.Privileges;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Postgres;

/// <summary>Connections that the server ended, as a restart ends all of them, cost nobody an answer.</summary>
public sealed class ConnectionLossTests
{
    [Fact]
    public async Task Reads_and_changes_go_on_over_new_connections()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Coordinator);
        for (var round = 0; round < 3; round++)
        {
            await UseAsync(store);

            // Waits until they are gone: one that still takes the statement and ends in its commit is the other test's case.
            await store.Owner.ReadAsync(c => c.ExecuteAsync(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'caracalcoordinator_a' AND datname = current_database()"));
            await UseAsync(store);
        }

        Assert.Equal(6 * 8, await store.Owner.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT epoch FROM delegation_graph_epochs")));
    }

    [Fact]
    public async Task A_change_that_was_being_committed_is_not_made_again()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Coordinator);
        var runs = 0;
        await Assert.ThrowsAsync<StorageUnavailableException>(() => store.Database.WriteAsync(async work =>
        {
            runs++;
            await work.Connection.ExecuteAsync("INSERT INTO delegation_graph_epochs (zone_id, epoch, updated_at) VALUES ('z', 1, now())");

            // The last statement before the commit ends the connection that is to carry it.
            var pid = await work.Connection.ExecuteScalarAsync<int>("SELECT pg_backend_pid()");
            await store.Owner.ReadAsync(c => c.ExecuteAsync("SELECT pg_terminate_backend(@pid, 5000)", new { pid }));
        }));
        Assert.Equal(1, runs);
    }

    private static Task UseAsync(TestStore store) => Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
    {
        await store.Database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT count(*) FROM sessions"));
        await store.Database.WriteAsync(work => work.Connection.ExecuteAsync(
            "INSERT INTO delegation_graph_epochs (zone_id, epoch, updated_at) VALUES ('z', 1, now()) ON CONFLICT (zone_id) DO UPDATE SET epoch = delegation_graph_epochs.epoch + 1"));
    }));
}
