using System.Collections.Immutable;
using Caracal.Authority.TokenExchange;

namespace Caracal.Authority.Tests.TokenExchange;

/// <summary>sts.md 7, check by check.</summary>
public sealed class DelegationRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly RecordFacts Record = new("ar", "application", "app", null, "active", Now.AddHours(1));

    private static readonly SessionFacts Source = Session("s1");
    private static readonly SessionFacts Target = Session("s2");

    private static readonly EdgeFacts Edge = new()
    {
        Id = "e1",
        SourceSessionId = "s1",
        TargetSessionId = "s2",
        IssuerApplicationId = "app",
        ReceiverApplicationId = "app",
        Scopes = ["a", "b"],
        Status = "active",
        ExpiresAt = Now.AddMinutes(10),
    };

    [Fact]
    public void Proves_a_single_edge_root_first_with_the_receiver_last()
    {
        var proof = Prove(Edge)!;
        Assert.Equal(["e1"], proof.Path);
        Assert.Equal(2, proof.Chain.Length);
        Assert.Equal(("app", "s1", "e1"), (proof.Chain[0].ApplicationId, proof.Chain[0].AgentSessionId, proof.Chain[0].DelegationEdgeId));
        Assert.Equal(("app", "s2", null), (proof.Chain[1].ApplicationId, proof.Chain[1].AgentSessionId, proof.Chain[1].DelegationEdgeId));
    }

    public static TheoryData<string, EdgeFacts> BrokenEdges => new()
    {
        { "revoked", Edge with { Status = "revoked", RevokedAt = Now } },
        { "revoked by time alone", Edge with { RevokedAt = Now } },
        { "expired", Edge with { ExpiresAt = Now } },
        { "another target", Edge with { TargetSessionId = "s3" } },
        { "another source", Edge with { SourceSessionId = "s3" } },
        { "another issuer", Edge with { IssuerApplicationId = "x" } },
        { "another receiver", Edge with { ReceiverApplicationId = "x" } },
        { "unknown constraint", Edge with { ConstraintsJson = """{"color":"red"}""" } },
        { "negative constraint", Edge with { ConstraintsJson = """{"ttl_seconds":-1}""" } },
        { "depth and hops differ", Edge with { ConstraintsJson = """{"max_hops":2,"max_depth":3}""" } },
        { "too deep", Edge with { ConstraintsJson = """{"max_depth":11}""" } },
        { "an end that is no time", Edge with { ConstraintsJson = """{"expires_at":"soon"}""" } },
        { "a budget that is none", Edge with { ConstraintsJson = """{"budget":"many"}""" } },
        { "constraints are no object", Edge with { ConstraintsJson = "[]" } },
        { "parent that was not found", Edge with { ParentEdgeId = "e0" } },
        { "narrower scopes", Edge with { Scopes = ["b"] } },
        { "shorter life", Edge with { ConstraintsJson = """{"ttl_seconds":10}""" } },
    };

    [Fact]
    public void What_policy_sees_of_the_constraints_is_made_once_for_a_text()
    {
        var edge = Edge with { ConstraintsJson = """{"max_hops":2}""" };
        var seen = edge.ConstraintsDocument;
        Assert.Equal("""{"max_hops":2}""", seen!.ToJson());
        Assert.Same(seen, edge.ConstraintsDocument);
        Assert.Equal("""{"max_hops":3}""", (edge with { ConstraintsJson = """{"max_hops":3}""" }).ConstraintsDocument!.ToJson());
        Assert.Null((edge with { ConstraintsJson = "{}" }).ConstraintsDocument);
        Assert.Null((edge with { ConstraintsJson = null }).ConstraintsDocument);
        Assert.Throws<FormatException>(() => (edge with { ConstraintsJson = "none" }).ConstraintsDocument);
    }

    [Theory]
    [MemberData(nameof(BrokenEdges))]
    public void Refuses_an_edge_that_is(string why, EdgeFacts edge)
    {
        Assert.NotEmpty(why);
        Assert.Null(Prove(edge));
    }

    public static TheoryData<string, SessionFacts> DeadSessions => new()
    {
        { "suspended", Session("s2") with { Status = "suspended" } },
        { "over its life", Session("s2") with { StartedAt = Now.AddHours(-2) } },
        { "without a record", Session("s2") with { SubjectRecord = null } },
        { "a service past its lease", Session("s2") with { Lifecycle = "service", TtlSeconds = null, HeartbeatDeadlineAt = Now } },
        { "of a user whose record was revoked", Session("s2") with { SubjectRecord = Record with { SessionType = "user", Status = "revoked" } } },
        { "somebody else's", Session("s2") with { ApplicationId = "x" } },
    };

    [Theory]
    [MemberData(nameof(DeadSessions))]
    public void Refuses_a_target_session_that_is(string why, SessionFacts target)
    {
        Assert.NotEmpty(why);
        Assert.Null(DelegationRules.Prove(Facts(Edge), target, Claim(), Now));
    }

    [Fact]
    public void An_application_record_may_end_before_its_session()
    {
        var target = Target with { SubjectRecord = Record with { Status = "expired" } };
        Assert.NotNull(DelegationRules.Prove(Facts(Edge), target, Claim(), Now));
    }

    [Fact]
    public void Ignores_a_budget()
    {
        Assert.NotNull(Prove(Edge with { ConstraintsJson = """{"budget":3,"policy_approved":true,"broad_reason":"x"}""" }));
    }

    [Fact]
    public void Counts_hops_but_not_mirrors()
    {
        var root = Edge with { Id = "e0", SourceSessionId = "s0", TargetSessionId = "s1" };
        var child = Edge with { ParentEdgeId = "e0" };
        Assert.Null(Prove(child, root));
        Assert.NotNull(Prove(child with { IsMirror = true }, root));
        var two = Prove(child, root with { ConstraintsJson = """{"max_hops":2}""" })!;
        Assert.Equal(["e0", "e1"], two.Path);
        Assert.Equal(3, two.Chain.Length);
    }

    [Theory]
    [InlineData(2, 1, 0, true)]
    [InlineData(3, 2, 1, true)]
    [InlineData(1, 1, 0, false)]
    [InlineData(1, 9, 0, false)]
    [InlineData(2, 1, 1, false)]
    [InlineData(2, 2, 1, false)]
    [InlineData(3, 1, 1, false)]
    public void Every_edge_bounds_the_hops_below_it_whatever_they_claim(int root, int middle, int leaf, bool holds)
    {
        var top = Edge with { Id = "e0", SourceSessionId = "s0", TargetSessionId = "s1", ConstraintsJson = $$"""{"max_hops":{{root}}}""" };
        var below = Edge with { Id = leaf > 0 ? "em" : "e1", ParentEdgeId = "e0", ConstraintsJson = $$"""{"max_hops":{{middle}}}""" };
        EdgeFacts[] lineage = leaf > 0 ? [Edge with { ParentEdgeId = "em", ConstraintsJson = $$"""{"max_hops":{{leaf}}}""" }, below, top] : [below, top];
        Assert.Equal(holds, Prove(lineage) is not null);
    }

    [Fact]
    public void Refuses_a_dead_or_repeated_ancestor()
    {
        var child = Edge with { ParentEdgeId = "e0" };
        var root = Edge with { Id = "e0", SourceSessionId = "s0", TargetSessionId = "s1", ConstraintsJson = """{"max_hops":9}""" };
        Assert.Null(Prove(child, root with { Status = "expired" }));
        Assert.Null(Prove(child, root with { ParentEdgeId = "e1" }, child));
    }

    [Fact]
    public void A_chain_across_applications_needs_the_switch()
    {
        var root = Edge with { Id = "e0", SourceSessionId = "s0", TargetSessionId = "s1", IssuerApplicationId = "first", ReceiverApplicationId = "app", ConstraintsJson = """{"max_hops":2}""" };
        var child = Edge with { ParentEdgeId = "e0" };
        var facts = Facts(child, root) with { RootApplicationId = "first" };
        Assert.Null(DelegationRules.Prove(facts, Target, Claim(), Now));
        Assert.NotNull(DelegationRules.Prove(facts, Target, Claim() with { CrossApplicationChains = true }, Now));
    }

    [Theory]
    [InlineData(null, 900, 600)]
    [InlineData("""{"ttl_seconds":60}""", 900, 60)]
    [InlineData("""{"expires_at":"2026-01-01T00:01:40Z"}""", 900, 100)]
    [InlineData("""{"expires_at":"2025-12-31T00:00:00Z"}""", 900, null)]
    [InlineData("""{"ttl_seconds":0,"expires_at":null,"max_hops":0}""", 900, 600)]
    public void A_delegation_shortens_the_lifetime(string? constraints, long seconds, int? expected)
    {
        var proof = Prove(Edge with { ConstraintsJson = constraints })!;
        Assert.Equal(expected, LifetimeRules.WithinDelegation(seconds, proof, Now));
    }

    [Theory]
    [InlineData(3600, false, true)]
    [InlineData(3601, false, false)]
    [InlineData(-1, false, false)]
    [InlineData(900, true, true)]
    [InlineData(901, true, false)]
    public void A_requested_lifetime_has_a_cap(long seconds, bool gateway, bool accepted)
    {
        Assert.Equal(accepted, LifetimeRules.IsInRange(seconds, gateway, 3600));
    }

    private static DelegationProof? Prove(params EdgeFacts[] lineage) =>
        DelegationRules.Prove(Facts(lineage), Target, Claim(), Now);

    private static DelegationFacts Facts(params EdgeFacts[] lineage) =>
        new() { Lineage = [.. lineage], Source = Source, RootApplicationId = "app" };

    private static DelegationClaim Claim() => new("app", ["a"], 20, CrossApplicationChains: false);

    private static SessionFacts Session(string id) => new()
    {
        Id = id,
        ApplicationId = "app",
        Status = "active",
        Lifecycle = "task",
        StartedAt = Now.AddMinutes(-5),
        TtlSeconds = 3600,
        SubjectRecordId = "ar",
        SubjectRecord = Record,
        Labels = ImmutableArray<string>.Empty,
    };
}
