using Caracal.Authority.Delegations;
using FsCheck;
using FsCheck.Fluent;

namespace Caracal.Authority.Tests.Delegations;

/// <summary>
/// The law of the product: whatever is delegated, inherited and delegated again, nobody ever holds what the one above
/// did not. Random callers try to widen; the rules decide as the service does.
/// </summary>
public sealed class NarrowingProperties
{
    private const int Sessions = 6;
    private static readonly DateTimeOffset Now = new(2026, 7, 11, 13, 0, 0, TimeSpan.Zero);
    private static readonly string[] Scopes = ["a", "b", "c"];
    private static readonly string[] Resources = ["resource://1", "resource://2", "resource://3"];

    [Fact]
    public void No_sequence_of_delegations_gives_a_session_what_its_ancestors_lack()
    {
        var attempts = Gen.Choose(0, int.MaxValue).ListOf(8).Select(numbers => new Attempt([.. numbers]));
        var sequences = attempts.ListOf(60).ToArbitrary();
        Prop.ForAll(sequences, sequence =>
        {
            var graph = new Graph();
            foreach (var attempt in sequence)
            {
                graph.Try(attempt);
            }

            return graph.Edges.All(graph.HoldsNoMoreThanEveryAncestor);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    [Fact]
    public void The_search_really_makes_chains()
    {
        var graph = new Graph();
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            graph.Try(new Attempt([.. Enumerable.Range(0, 8).Select(_ => random.Next())]));
        }

        Assert.Contains(graph.Edges, edge => graph.Ancestors(edge).Count() >= 2);
        Assert.Contains(graph.Edges, edge => edge.Row.EdgeKind == DelegationKind.Mirror);
        Assert.All(graph.Edges, edge => Assert.True(graph.HoldsNoMoreThanEveryAncestor(edge)));
    }

    [Fact]
    public void Epochs_only_rise()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<long>(), current =>
            current == long.MaxValue || (DelegationCascade.NextEpoch(current) > current && DelegationCascade.NextEpoch(current) >= 1))
            .QuickCheckThrowOnFailure();
    }

    private sealed record Attempt(int[] Numbers)
    {
        public string Source => $"s{Numbers[0] % Sessions}";
        public string Target => $"s{Numbers[1] % Sessions}";
        public bool Inherits => Numbers[7] % 5 == 0;

        public DelegatedAuthority Wish()
        {
            var constraints = new DelegationConstraints
            {
                Resources = (Numbers[3] % 4) switch { 0 => null, 1 => [Resources[Numbers[3] / 4 % 3]], 2 => [Resources[0], Resources[1]], _ => [] },
                MaxHops = Numbers[4] % 4 == 0 ? null : 1 + (Numbers[4] / 4 % 10),
                TtlSeconds = Numbers[5] % 3 == 0 ? null : 1 + (Numbers[5] / 3 % 100),
                Budget = Numbers[6] % 3 == 0 ? null : 1 + (Numbers[6] / 3 % 5),
                ExpiresAt = Numbers[7] % 4 == 0 ? $"2026-07-11T13:{10 + (Numbers[7] / 4 % 50)}:00Z" : null,
            };
            var named = Numbers[3] % 5 == 0 ? Resources[Numbers[3] / 5 % 3] : null;
            return new DelegatedAuthority(
                [.. Scopes.Where((_, i) => (Numbers[2] >> i) % 2 == 0)],
                ResourceReach.Of(named is not null, named, constraints.Resources),
                Now.AddMinutes(1 + (Numbers[2] % 97)),
                constraints);
        }
    }

    private sealed record Held(Delegation Row, DelegatedAuthority Authority);

    private sealed class Graph
    {
        public List<Held> Edges { get; } = [];

        public void Try(Attempt attempt)
        {
            if (attempt.Source == attempt.Target)
            {
                return;
            }

            var rows = Edges.Select(edge => edge.Row).ToArray();
            var inbound = rows.Where(row => row.TargetSessionId == attempt.Source).ToArray();
            if (attempt.Inherits)
            {
                Inherit(attempt, inbound);
                return;
            }

            // Half of the callers name an edge, so that holders of several get on.
            var named = inbound.Length > 0 && attempt.Numbers[0] % 2 == 0 ? inbound[attempt.Numbers[0] / 2 % inbound.Length].Id : null;
            var choice = DelegationRules.ChooseParent(inbound, named, Now);
            var wish = attempt.Wish();
            var parent = choice.Parent is null ? null : Edges.Single(edge => edge.Row.Id == choice.Parent.Id);
            if (choice.Refusal is not null
                || (parent is not null && !DelegationRules.Narrows(parent.Authority, wish))
                || DelegationRules.Leads(rows, attempt.Target, attempt.Source, Now)
                || DelegationRules.CheckExpiry(wish.ExpiresAt, choice.Parent, Now) is not null)
            {
                return;
            }

            var settled = wish with { Constraints = DelegationRules.SettleBudget(parent?.Authority, wish) };
            Add(new Held(Row(attempt, choice.Parent?.Id, settled), settled));
        }

        public IEnumerable<Held> Ancestors(Held edge)
        {
            for (var id = edge.Row.ParentEdgeId; id is not null;)
            {
                var parent = Edges.Single(other => other.Row.Id == id);
                yield return parent;
                id = parent.Row.ParentEdgeId;
            }
        }

        public bool HoldsNoMoreThanEveryAncestor(Held edge) => Ancestors(edge).All(ancestor => HoldsNoMore(ancestor.Authority, edge.Authority));

        private static bool HoldsNoMore(DelegatedAuthority above, DelegatedAuthority below) =>
            below.Scopes.All(above.Scopes.Contains)
            && above.Reach.Covers(below.Reach)
            && below.EffectiveExpiry <= above.EffectiveExpiry
            && below.Constraints.Hops <= above.Constraints.Hops
            && (above.Constraints.TtlSeconds is null || below.Constraints.TtlSeconds <= above.Constraints.TtlSeconds)
            && (above.Constraints.Budget is null || below.EffectiveBudget <= above.Constraints.Budget);

        private void Inherit(Attempt attempt, Delegation[] inbound)
        {
            if (InheritanceRules.Choose(inbound, edgeNamed: false, Now).Parent is { } edge)
            {
                var held = Edges.Single(other => other.Row.Id == edge.Id);
                Add(new Held(InheritanceRules.Mirror(edge, $"e{Edges.Count}", attempt.Target, "app", Now), held.Authority));
            }
        }

        private void Add(Held edge) => Edges.Add(edge);

        private Delegation Row(Attempt attempt, string? parentId, DelegatedAuthority authority) => new()
        {
            Id = $"e{Edges.Count}",
            SourceSessionId = attempt.Source,
            TargetSessionId = attempt.Target,
            ParentEdgeId = parentId,
            Scopes = [.. authority.Scopes],
            ConstraintsJson = authority.Constraints.ToJson(),
            Status = DelegationStatus.Active,
            ExpiresAt = authority.ExpiresAt,
        };
    }
}
