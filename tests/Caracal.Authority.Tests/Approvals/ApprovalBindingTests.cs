using Caracal.Authority.Approvals;

namespace Caracal.Authority.Tests.Approvals;

public sealed class ApprovalBindingTests
{
    private static readonly ApprovalBinding Vector = new()
    {
        Resources = ["resource://pipernet"],
        Scopes = ["pipernet:refund"],
        PrincipalId = "app-1",
        AgentSessionId = "sess-1",
        DelegationEdgeId = "edge-1",
        ApplicationId = "app-1",
        PolicySetVersionId = "psv-1",
        PolicyManifestSha = "e7388625e7afa28ca7927662b2decb5077ef39c5ff1ab43f1847845232968087",
        ContractVersion = "2026-07-12",
        ContractSha = new string('0', 64),
    };

    [Fact]
    public void Matches_the_application_vector()
    {
        Assert.Equal("f5f30402c857b75f5f1d284955f9c65c4cfc2efb2fcf25fbdf45f603a2a53a51", Hex(Vector));
    }

    [Fact]
    public void Matches_the_workload_vector()
    {
        var workload = Vector with { PrincipalId = "wl-1", AgentSessionId = null, DelegationEdgeId = null, ApplicationId = null };
        Assert.Equal("e4ef0433c94c4213dd7ba5a8de68bc5c84bd27e5cf8fbb484a0f70ddcff2c40f", Hex(workload));
    }

    [Fact]
    public void Resources_ignore_case_and_order_but_scopes_keep_their_case()
    {
        var mixed = Vector with { Resources = [" RESOURCE://b ", "resource://A", "resource://a"] };
        Assert.Equal(Hex(Vector with { Resources = ["resource://a", "resource://b"] }), Hex(mixed));
        Assert.NotEqual(Hex(Vector), Hex(Vector with { Scopes = ["Pipernet:refund"] }));
    }

    private static string Hex(ApprovalBinding binding) => Convert.ToHexStringLower(binding.Hash());
}

public sealed class HoldTermsTests
{
    [Fact]
    public void Operator_and_subject_cannot_decide_one_hold()
    {
        Assert.Null(HoldTerms.Merge([new("a", "operator", null, null), new("b", "subject", null, null)]));
        Assert.Null(HoldTerms.Merge([new("a", null, null, null), new("b", "any", null, null), new("c", "subject", null, null)]));
    }

    [Theory]
    [InlineData("any", "subject", "subject")]
    [InlineData("subject", "any", "subject")]
    [InlineData("any", null, "operator")]
    [InlineData("any", "any", "any")]
    public void Any_yields_to_the_specific_class(string first, string? second, string merged)
    {
        Assert.Equal(merged, HoldTerms.Merge([new("a", first, null, null), new("b", second, null, null)])!.Approver);
    }

    [Theory]
    [InlineData(null, null, 14_400)]
    [InlineData(null, 30L, 60)]
    [InlineData(null, 700_000L, 604_800)]
    [InlineData("subject", null, 900)]
    [InlineData("any", 90_000L, 86_400)]
    [InlineData("subject", long.MaxValue, 86_400)]
    public void The_time_to_decide_is_bounded(string? approver, long? seconds, int expected)
    {
        Assert.Equal(expected, HoldTerms.Merge([new("a", approver, seconds, null)])!.Ttl.TotalSeconds);
    }

    [Fact]
    public void Labels_are_joined_and_the_strongest_privacy_and_shortest_time_win()
    {
        var terms = HoldTerms.Merge([new("b", null, 900, "pseudonymous"), new("a", null, 600, null), new("b", null, null, "anonymous")])!;
        Assert.Equal(("a,b", "anonymous", 600), (terms.Tier, terms.Privacy, (int)terms.Ttl.TotalSeconds));
    }
}
