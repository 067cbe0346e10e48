using Caracal.Authority.Delegations;

namespace Caracal.Authority.Tests.Delegations;

public sealed class DelegationCascadeTests
{
    [Fact]
    public void Walks_forward_once_per_edge_at_its_shortest_distance()
    {
        Delegation[] edges = [Edge("e2", "b", "c"), Edge("e3", "b", "d"), Edge("e4", "c", "d"), Edge("e5", "d", "e"), Edge("e6", "x", "y"), Edge("e7", "b", "z", "revoked")];
        var reached = DelegationCascade.Forward(Edge("e1", "a", "b"), edges);
        Assert.Equal([("e1", 1), ("e2", 2), ("e3", 2), ("e4", 3), ("e5", 3)], reached.Select(r => (r.Edge.Id, r.Depth)));
    }

    [Fact]
    public void Stops_at_ten_levels_and_survives_a_loop()
    {
        var chain = Enumerable.Range(1, 14).Select(i => Edge($"e{i:D2}", $"s{i}", $"s{i + 1}")).ToArray();
        Assert.Equal(10, DelegationCascade.Forward(chain[0], chain).Count);
        Delegation[] loop = [Edge("e1", "a", "b"), Edge("e2", "b", "a")];
        Assert.Equal(["e1", "e2"], DelegationCascade.Forward(loop[0], loop).Select(r => r.Edge.Id));
    }

    [Fact]
    public void Finds_the_active_edges_at_either_end_of_an_ended_session()
    {
        Delegation[] edges = [Edge("e3", "a", "b"), Edge("e1", "b", "c"), Edge("e2", "c", "d"), Edge("e4", "b", "d", "expired")];
        Assert.Equal(["e1", "e3"], DelegationCascade.Touching(["b"], edges).Select(edge => edge.Id));
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData(0L, 1)]
    [InlineData(-5L, 1)]
    [InlineData(41L, 42)]
    public void Only_raises_the_epoch(long? current, long next) => Assert.Equal(next, DelegationCascade.NextEpoch(current));

    private static Delegation Edge(string id, string source, string target, string status = DelegationStatus.Active) =>
        new() { Id = id, SourceSessionId = source, TargetSessionId = target, Status = status };
}
