using Caracal.Storage.Delegations;
using Caracal.Storage.Privileges;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Delegations;

/// <summary>The counters of budgets, as the Gateway may touch them.</summary>
public sealed class DelegationBudgetTests
{
    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Takes_from_every_budget_of_a_chain_or_from_none(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Gateway);
        await SeedAsync(store, ("root", 3), ("child", 2), ("other", 9));
        var budgets = new DelegationBudgetStore(store.Database);
        Assert.True(await budgets.ReserveAsync("z", ["root", "child"], default));
        Assert.True(await budgets.ReserveAsync("z", ["root", "child"], default));
        Assert.False(await budgets.ReserveAsync("z", ["root", "child"], default)); // the child has none left
        Assert.Equal((2, 2, 0), (await SpentAsync(store, "root"), await SpentAsync(store, "child"), await SpentAsync(store, "other")));
        Assert.True(await budgets.ReserveAsync("z", ["root"], default));
        Assert.False(await budgets.ReserveAsync("z", ["root", "other"], default)); // the root has none left
        Assert.Equal(0, await SpentAsync(store, "other"));

        await budgets.RefundAsync("z", ["root", "child"], default);
        Assert.True(await budgets.ReserveAsync("z", ["child", "root"], default));
        Assert.False(await budgets.ReserveAsync("z", ["other", "unknown"], default));
        Assert.False(await budgets.ReserveAsync("another zone", ["other"], default));
        Assert.Equal(0, await SpentAsync(store, "other"));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Never_gives_more_than_there_is_however_many_ask_at_once(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Gateway);
        await SeedAsync(store, ("a", 30), ("b", 12), ("c", 25));
        var budgets = new DelegationBudgetStore(store.Database);
        string[][] chains = [["a", "b"], ["c", "a"], ["b", "c"]];
        var answers = await Task.WhenAll(Enumerable.Range(0, 90).Select(async i =>
        {
            var chain = chains[i % 3];
            var taken = await budgets.ReserveAsync("z", chain, default);
            if (taken && i % 7 == 0)
            {
                await budgets.RefundAsync("z", chain, default);
                taken = false;
            }

            return (Chain: chain, Taken: taken);
        }));
        foreach (var (edge, granted) in new[] { ("a", 30), ("b", 12), ("c", 25) })
        {
            var spent = answers.Count(answer => answer.Taken && answer.Chain.Contains(edge));
            Assert.Equal(spent, await SpentAsync(store, edge));
            Assert.InRange(spent, 1, granted);
        }
    }

    private static Task<long> SpentAsync(TestStore store, string edge) => store.Owner.ReadAsync(connection =>
        connection.ExecuteScalarAsync<long>("SELECT spent FROM delegation_budgets WHERE edge_id = @edge", new { edge }));

    private static Task SeedAsync(TestStore store, params (string Edge, long Granted)[] budgets) => store.Owner.WriteAsync(async work =>
    {
        var now = new DateTimeOffset(2026, 7, 11, 13, 0, 0, TimeSpan.Zero);
        var parameters = new { now, none = Array.Empty<string>(), empty = new JsonText("{}") };
        await work.Connection.ExecuteAsync("INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES ('z', 'Z', 'z', @now, @now)", parameters);
        await work.Connection.ExecuteAsync(
            "INSERT INTO applications (id, zone_id, name, registration_method, traits, created_at) VALUES ('a', 'z', 'A', 'managed', @none, @now)", parameters);
        foreach (var session in new[] { "s", "t" })
        {
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO sessions (id, zone_id, application_id, subject_authority_record_id, status, labels, started_at, last_active_at,
                    ttl_seconds, metadata_json, updated_at, lifecycle)
                VALUES (@session, 'z', 'a', 'r', 'active', @none, @now, @now, 60, @empty, @now, 'task')
                """,
                new { session, parameters.now, parameters.none, parameters.empty });
        }

        foreach (var (edge, granted) in budgets)
        {
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO delegation_edges (id, zone_id, source_session_id, target_session_id, issuer_application_id,
                    receiver_application_id, scopes, constraints_json, status, expires_at, created_at, updated_at, budget_calls)
                VALUES (@edge, 'z', 's', 't', 'a', 'a', @none, @empty, 'active', @now, @now, @now, @granted)
                """,
                new { edge, granted, parameters.now, parameters.none, parameters.empty });
            await work.Connection.ExecuteAsync(
                "INSERT INTO delegation_budgets (edge_id, zone_id, granted) VALUES (@edge, 'z', @granted)", new { edge, granted });
        }
    });
}
