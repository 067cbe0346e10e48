using Caracal.Coordinator.Tests.Support;
using Caracal.TestKit;

namespace Caracal.Coordinator.Tests.Delegations;

/// <summary>Budgets that count: what is granted, what may be given on, and the wire of those without one.</summary>
public sealed class BudgetTests
{
    private const string Edge = ""","resource_id":"r1","scopes":["read"],"ttl_seconds":600,"constraints":{"max_hops":3}""";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Grants_a_budget_that_only_narrows(Engine engine)
    {
        await using var coordinator = await TestCoordinator.StartAsync(engine: engine);
        var (a, b, c, d) = (
            await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync());
        var root = await coordinator.DelegateAsync(a, b, Edge + ""","budget":{"calls":10,"unit":"report"}""");
        Assert.Equal("""{"calls":10,"unit":"report"}""", root.Json.GetProperty("budget").GetRawText());
        var id = root.Json.GetProperty("delegation_edge_id").GetString();
        var read = await coordinator.GetAsync($"/zones/z1/delegations/inbound/{b}/{id}", coordinator.App1);
        Assert.Equal("""{"calls":10,"unit":"report","spent":0}""", read.Json.GetProperty("budget").GetRawText());

        const string Child = ""","resource_id":"r1","scopes":["read"],"ttl_seconds":60,"constraints":{"max_hops":2}""";
        (await coordinator.DelegateAsync(b, c, Child + ""","budget":{"calls":11}""")).AssertRefused(403, "delegation_exceeds_parent_authority");
        (await coordinator.DelegateAsync(b, c, Child + ""","budget":{"calls":5,"unit":"page"}""")).AssertRefused(403, "delegation_exceeds_parent_authority");
        var child = await coordinator.DelegateAsync(b, c, Child + ""","budget":{"calls":5}""");
        Assert.Equal("""{"calls":5,"unit":"report"}""", child.Json.GetProperty("budget").GetRawText());
        Assert.Equal(201, (await coordinator.DelegateAsync(b, d, Child)).Status); // spends what is above it
        Assert.Equal(2, await coordinator.ScalarAsync<long>("SELECT count(*) FROM delegation_budgets"));
    }

    [Fact]
    public async Task Leaves_the_wire_alone_where_there_is_none()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var (a, b) = (await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync());
        var edge = await coordinator.DelegateAsync(a, b, Edge);
        Assert.False(edge.Json.TryGetProperty("budget", out _));
        var read = await coordinator.GetAsync($"/zones/z1/delegations/inbound/{b}/{edge.Json.GetProperty("delegation_edge_id").GetString()}", coordinator.App1);
        Assert.False(read.Json.TryGetProperty("budget", out _));

        // The constraint of v1.0 with this name means what it meant.
        var constrained = await coordinator.DelegateAsync(a, b, ""","resource_id":"r1","ttl_seconds":60,"constraints":{"budget":3}""");
        Assert.Equal("""{"budget":3,"ttl_seconds":60}""", constrained.Json.GetProperty("constraints_json").GetRawText());
        Assert.Equal(0, await coordinator.ScalarAsync<long>("SELECT count(*) FROM delegation_budgets"));
    }

    [Theory]
    [InlineData("3")]
    [InlineData("{}")]
    [InlineData("""{"calls":0}""")]
    [InlineData("""{"calls":1000000001}""")]
    [InlineData("""{"calls":1,"unit":""}""")]
    [InlineData("""{"calls":1,"unit":7}""")]
    public async Task Refuses_a_budget_that_is_none(string budget)
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var (a, b) = (await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync());
        (await coordinator.DelegateAsync(a, b, Edge + $",\"budget\":{budget}")).AssertRefused(400, "invalid_body");
        Assert.Equal(0, await coordinator.ScalarAsync<long>("SELECT count(*) FROM delegation_edges"));
    }
}
