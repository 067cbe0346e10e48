using Caracal.Coordinator.Tests.Support;
using Caracal.TestKit;

namespace Caracal.Coordinator.Tests.Graph;

/// <summary>
/// No sequence of starts, delegations, narrowings, pauses, ends, revocations and expiries, and no interleaving of them,
/// breaks a law of the graph. <c>CARACAL_LONG_TESTS=true</c> runs fifty times as many.
/// </summary>
public sealed class GraphTests
{
    private static readonly int Times = Environment.GetEnvironmentVariable("CARACAL_LONG_TESTS") == "true" ? 50 : 1;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task No_sequence_breaks_a_law(int seed)
    {
        for (var run = 0; run < Times; run++)
        {
            await using var coordinator = await TestCoordinator.StartAsync(e => e["MAX_AGENTS_PER_ZONE"] = "25");
            var laws = new GraphLaws(coordinator);
            var moves = new GraphMoves(coordinator, seed + (run * 1_000));
            for (var step = 0; step < 150; step++)
            {
                await moves.MoveAsync(mayMoveTime: true);
                await laws.CheckAsync();
            }

            Assert.InRange(moves.Done, 20, 150);
        }
    }

    [Fact]
    public async Task No_interleaving_breaks_a_law_on_postgres()
    {
        await using var coordinator = await TestCoordinator.StartAsync(e => e["MAX_AGENTS_PER_ZONE"] = "30", engine: Engine.Postgres);
        var laws = new GraphLaws(coordinator);
        for (var round = 0; round < 3 * Times; round++)
        {
            // Each caller knows only what it made itself; one of them makes what all change.
            var shared = Enumerable.Range(0, 6).Select(i => new GraphMoves(coordinator, (round * 100) + i)).ToArray();
            await Task.WhenAll(shared.Select(async moves =>
            {
                for (var step = 0; step < 25; step++)
                {
                    await moves.MoveAsync(mayMoveTime: false);
                }
            }).Append(SweepAsync(coordinator)));
            await laws.CheckAsync();
            coordinator.Time.Advance(TimeSpan.FromSeconds(60));
        }
    }

    [Fact]
    public async Task Crossing_changes_of_one_tree_leave_its_counters_right_on_postgres()
    {
        await using var coordinator = await TestCoordinator.StartAsync(engine: Engine.Postgres);
        var laws = new GraphLaws(coordinator);
        var root = await coordinator.StartSessionAsync();
        var edges = new List<string>();
        for (var round = 0; round < 3; round++)
        {
            var started = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => coordinator.PostAsync(
                "/zones/z1/agents", coordinator.App1, $$"""{"application_id":"app1","parent_id":"{{root}}"}""")));
            var children = started.Where(answer => answer.Status == 201).Select(answer => answer.Json.GetProperty("agent_session_id").GetString()!).ToArray();
            Assert.All(started.Where(answer => answer.Status != 201), answer => answer.AssertRefused(429, "session_children_limit_exceeded"));
            Assert.Equal(10, children.Length);
            var delegated = await Task.WhenAll(children.Select(child => coordinator.DelegateAsync(root, child, ""","resource_id":"r1","ttl_seconds":60""")));
            edges.AddRange(delegated.Select(answer => answer.Json.GetProperty("delegation_edge_id").GetString()!));
            var ends = await Task.WhenAll(
                children.Select(child => coordinator.SendAsync("DELETE", $"/zones/z1/agents/{child}", coordinator.App1))
                    .Concat(edges.Select(edge => coordinator.SendAsync("PATCH", $"/zones/z1/delegations/{edge}/revoke", coordinator.App1))));
            Assert.All(ends, answer => Assert.Contains(answer.Status, new[] { 200, 204, 404 }));
            await laws.CheckAsync();
        }
    }

    private static async Task SweepAsync(TestCoordinator coordinator)
    {
        for (var i = 0; i < 10; i++)
        {
            await coordinator.RunJobAsync("ttl_sweep");
            await coordinator.RunJobAsync("service_lease_sweep");
        }
    }
}
