using Caracal.Authority.Delegations;

namespace Caracal.Authority.Tests.Delegations;

/// <summary>Expiry, parent choice, narrowing and cycles, case by case (coordinator.md 8).</summary>
public sealed class DelegationRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 7, 11, 13, 0, 0, TimeSpan.Zero);

    private static readonly DelegatedAuthority Parent = new(
        ["read", "write"], ResourceReach.Of(false, null, ["resource://r1", "resource://r2"]), Now.AddHours(1),
        new DelegationConstraints { MaxHops = 3, TtlSeconds = 600, Budget = 2, Resources = ["resource://r1", "resource://r2"] });

    private static readonly DelegatedAuthority Child = new(
        ["read"], ResourceReach.Of(true, "resource://r1", null), Now.AddMinutes(30), new DelegationConstraints { MaxHops = 2, TtlSeconds = 600 });

    public static TheoryData<string, bool> Narrowings => new()
    {
        { "as is", true }, { "all scopes", true }, { "no scopes", true }, { "foreign scope", false }, { "same expiry", true }, { "later expiry", false },
        { "other resource", false }, { "wider list", false }, { "narrower list", true }, { "broad", false }, { "nothing", true },
        { "same hops", false }, { "default hops", true }, { "longer ttl", false }, { "no ttl", false }, { "shorter ttl", true },
        { "bigger budget", false }, { "small budget", true },
    };

    [Theory]
    [MemberData(nameof(Narrowings))]
    public void Accepts_only_what_narrows(string name, bool narrows) => Assert.Equal(narrows, DelegationRules.Narrows(Parent, Vary(name)));

    [Fact]
    public void Stops_at_a_parent_that_allows_one_hop()
    {
        var last = Parent with { Constraints = new DelegationConstraints() };
        Assert.False(DelegationRules.Narrows(last, Child with { Constraints = new DelegationConstraints() }));
    }

    [Fact]
    public void Counts_the_constraints_expiry_as_much_as_the_edges()
    {
        var early = Parent with { Constraints = Parent.Constraints with { ExpiresAt = "2026-07-11T13:10:00Z" } };
        Assert.False(DelegationRules.Narrows(early, Child));
        Assert.True(DelegationRules.Narrows(early, Child with { ExpiresAt = Now.AddMinutes(10) }));
    }

    [Fact]
    public void Lets_an_edge_that_names_one_resource_pass_on_that_one_alone()
    {
        var one = Parent with { Reach = ResourceReach.Of(true, "resource://r1", ["resource://r1", "resource://r2"]) };
        Assert.True(DelegationRules.Narrows(one, Child));
        Assert.True(DelegationRules.Narrows(one, Child with { Reach = ResourceReach.Of(false, null, ["resource://r1"]) }));
        Assert.False(DelegationRules.Narrows(one, Child with { Reach = ResourceReach.Of(false, null, ["resource://r1", "resource://r2"]) }));
        Assert.False(DelegationRules.Narrows(one, Child with { Reach = ResourceReach.Of(false, null, []) }));
        Assert.False(DelegationRules.Narrows(Parent with { Reach = ResourceReach.Of(true, null, null) }, Child)); // its resource is gone
    }

    [Fact]
    public void Takes_the_first_named_expiry()
    {
        var both = new DelegationConstraints { ExpiresAt = "2026-07-11T14:00:00Z", TtlSeconds = 60 };
        Assert.Equal(Now.AddMinutes(1), DelegationRules.Expiry(Now.AddMinutes(1), both, Now));
        Assert.Equal(Now.AddHours(1), DelegationRules.Expiry(null, both, Now));
        Assert.Equal(Now.AddSeconds(60), DelegationRules.Expiry(null, both with { ExpiresAt = null }, Now));
        Assert.Null(DelegationRules.Expiry(null, DelegationConstraints.None, Now));
    }

    [Fact]
    public void Finds_the_parent_or_says_why_there_is_none()
    {
        var (live, other, dead) = (Edge("e1"), Edge("e2"), Edge("e3") with { ExpiresAt = Now });
        Assert.Equal(new ParentChoice(null, null), DelegationRules.ChooseParent([], null, Now));
        Assert.Same(DelegationRefusals.ParentNotActive, DelegationRules.ChooseParent([], "e1", Now).Refusal);
        Assert.Same(DelegationRefusals.ParentNotActive, DelegationRules.ChooseParent([dead], null, Now).Refusal);
        Assert.Same(DelegationRefusals.ParentNotActive, DelegationRules.ChooseParent([live], "e2", Now).Refusal);
        Assert.Same(DelegationRefusals.ParentNotActive, DelegationRules.ChooseParent([live, dead], "e3", Now).Refusal);
        Assert.Same(DelegationRefusals.ParentAmbiguous, DelegationRules.ChooseParent([live, other], null, Now).Refusal);
        Assert.Same(live, DelegationRules.ChooseParent([live, dead], null, Now).Parent);
        Assert.Same(other, DelegationRules.ChooseParent([live, other], "e2", Now).Parent);
    }

    [Fact]
    public void Inherits_one_live_edge_or_none()
    {
        var (live, other, dead) = (Edge("e1"), Edge("e2"), Edge("e3") with { Status = "revoked" });
        Assert.Equal(new ParentChoice(null, null), InheritanceRules.Choose([], edgeNamed: false, Now));
        Assert.Equal("inherit_parent_edge_not_active", InheritanceRules.Choose([], edgeNamed: true, Now).Refusal!.Code);
        Assert.Equal("inherit_parent_edge_not_active", InheritanceRules.Choose([dead], edgeNamed: false, Now).Refusal!.Code);
        Assert.Equal("inherit_parent_edge_ambiguous", InheritanceRules.Choose([live, other], edgeNamed: false, Now).Refusal!.Code);
        Assert.Same(live, InheritanceRules.Choose([live, dead], edgeNamed: false, Now).Parent);
    }

    [Fact]
    public void Sees_a_cycle_over_live_edges_within_ten_hops()
    {
        var chain = Enumerable.Range(0, 12).Select(i => Edge($"e{i:D2}", $"s{i}", $"s{i + 1}")).ToArray();
        Assert.True(DelegationRules.Leads(chain, "s0", "s10", Now));
        Assert.False(DelegationRules.Leads(chain, "s0", "s11", Now));
        Assert.False(DelegationRules.Leads(chain, "s3", "s0", Now));
        chain[4] = chain[4] with { ExpiresAt = Now };
        Assert.False(DelegationRules.Leads(chain, "s0", "s10", Now));
        Assert.False(DelegationRules.Leads([Edge("a", "x", "y"), Edge("b", "y", "x")], "x", "z", Now));
    }

    [Fact]
    public void Makes_no_edge_without_time_left()
    {
        var parent = Edge("e") with { ExpiresAt = Now.AddMinutes(5) };
        Assert.Same(DelegationRefusals.AlreadyExpired, DelegationRules.CheckExpiry(Now, null, Now));
        Assert.Same(DelegationRefusals.ExceedsParent, DelegationRules.CheckExpiry(Now, parent, Now));
        Assert.Same(DelegationRefusals.ExceedsParent, DelegationRules.CheckExpiry(Now.AddMinutes(6), parent, Now));
        Assert.Null(DelegationRules.CheckExpiry(Now.AddMinutes(5), parent, Now));
    }

    [Fact]
    public void Adds_up_what_a_session_holds()
    {
        var held = EffectiveAuthority.Of(
        [
            Edge("e1") with { Scopes = ["b", "a"], ResourceId = "r1", ConstraintsJson = """{"max_hops":3,"ttl_seconds":60}""", ExpiresAt = Now.AddHours(2) },
            Edge("e2") with { Scopes = ["c", "b"], ConstraintsJson = """{"resources":["resource://r2"],"ttl_seconds":30}""" },
            Edge("e3") with { Status = "revoked" },
            Edge("e4") with { ConstraintsJson = "broken" },
        ], Now);
        Assert.Equal(["e1", "e2"], held.InboundEdges);
        Assert.Equal(["b"], held.Scopes);
        Assert.Equal(["r1", "resource://r2"], held.Resources);
        Assert.Equal((1, 30, Now.AddHours(1), true), (held.MaxHops, held.TtlSeconds, held.EarliestExpiresAt, held.IsResourceConstrained));
        Assert.Empty(EffectiveAuthority.Of([], Now).InboundEdges);
    }

    private static DelegatedAuthority Vary(string name) => name switch
    {
        "all scopes" => Child with { Scopes = ["write", "read"] },
        "no scopes" => Child with { Scopes = [] },
        "foreign scope" => Child with { Scopes = ["read", "admin"] },
        "same expiry" => Child with { ExpiresAt = Parent.ExpiresAt },
        "later expiry" => Child with { ExpiresAt = Parent.ExpiresAt.AddMicroseconds(1) },
        "other resource" => Child with { Reach = ResourceReach.Of(true, "resource://r3", null) },
        "wider list" => Child with { Reach = ResourceReach.Of(false, null, ["resource://r1", "resource://r3"]) },
        "narrower list" => Child with { Reach = ResourceReach.Of(false, null, ["resource://r2"]) },
        "broad" => Child with { Reach = ResourceReach.Everything },
        "nothing" => Child with { Reach = ResourceReach.Nothing },
        "same hops" => Child with { Constraints = Child.Constraints with { MaxHops = 3 } },
        "default hops" => Child with { Constraints = Child.Constraints with { MaxHops = null } },
        "longer ttl" => Child with { Constraints = Child.Constraints with { TtlSeconds = 601 } },
        "no ttl" => Child with { Constraints = Child.Constraints with { TtlSeconds = null } },
        "shorter ttl" => Child with { Constraints = Child.Constraints with { TtlSeconds = 1 } },
        "bigger budget" => Child with { Constraints = Child.Constraints with { Budget = 3 } },
        "small budget" => Child with { Constraints = Child.Constraints with { Budget = 1 } },
        _ => Child,
    };

    private static Delegation Edge(string id, string source = "a", string target = "b") => new()
    {
        Id = id,
        SourceSessionId = source,
        TargetSessionId = target,
        Status = DelegationStatus.Active,
        ExpiresAt = Now.AddHours(1),
    };
}
