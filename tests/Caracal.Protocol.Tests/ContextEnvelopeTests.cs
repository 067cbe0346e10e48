using Caracal.Protocol.Context;

namespace Caracal.Protocol.Tests;

/// <summary>The context envelope of gateway.md Part C, with vector V5 and those of sdk.md 4.</summary>
public sealed class ContextEnvelopeTests
{
    [Fact]
    public void Vector_V5_is_written()
    {
        var envelope = new ContextEnvelope
        {
            AgentSession = "sess-child",
            DelegationEdge = "edge-1",
            Session = "ar-1",
            Hop = 1,
            Foreign = new Dictionary<string, string> { ["tenant"] = "a b/c" },
        };
        const string Expected = "caracal.agent_session=sess-child,caracal.delegation_edge=edge-1,caracal.hop=1,caracal.session=ar-1,tenant=a%20b%2Fc";
        Assert.Equal(Expected, envelope.EncodeBaggage(null));
        var read = ContextEnvelope.Decode(null, null, Expected);
        Assert.Equal(("sess-child", "edge-1", "ar-1", 1, "a b/c"), (read.AgentSession, read.DelegationEdge, read.Session, read.Hop, read.Foreign["tenant"]));
    }

    [Theory]
    [InlineData("s1", 1, "acme & co/é", "caracal.agent_session=s1,caracal.hop=1,tenant=acme%20%26%20co%2F%C3%A9")]
    [InlineData("s1", 0, "", "caracal.agent_session=s1,caracal.hop=0")]
    [InlineData(null, 0, "", null)]
    public void Sorted_escaped_and_without_empty_values(string? session, int hop, string tenant, string? expected)
    {
        var envelope = new ContextEnvelope { AgentSession = session, Hop = hop, Foreign = new Dictionary<string, string> { ["tenant"] = tenant } };
        Assert.Equal(expected, envelope.EncodeBaggage(null));
    }

    [Fact]
    public void The_requests_own_members_win_and_ours_are_never_taken_from_it()
    {
        var envelope = new ContextEnvelope { Session = "ar-1", Foreign = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" } };
        Assert.Equal("a=9,b=2,caracal.hop=0,caracal.session=ar-1", envelope.EncodeBaggage("a=9,caracal.session=forged,caracal.parent_edge=forged"));
    }

    [Fact]
    public void Reads_members_as_they_come()
    {
        Assert.Equal(
            new Dictionary<string, string> { ["a"] = "1", ["b"] = "c d" }, BaggageHeader.Decode("a=1;prop=2, b = c%20d ,=x,c"));
        Assert.Equal("50%zz%2", BaggageHeader.Decode("k=50%zz%2")["k"]);
    }

    [Fact]
    public void Too_much_baggage_is_none()
    {
        Assert.Equal(64, BaggageHeader.Decode(string.Join(',', Enumerable.Range(0, 64).Select(i => $"k{i}=v"))).Count);
        Assert.Empty(BaggageHeader.Decode(string.Join(',', Enumerable.Range(0, 65).Select(i => $"k{i}=v"))));
        Assert.Empty(BaggageHeader.Decode("k=" + new string('x', 8191)));
    }

    [Theory]
    [InlineData("99", 10)]
    [InlineData("99999999999999999999", 10)]
    [InlineData("3", 3)]
    [InlineData("-1", 0)]
    [InlineData("+1", 0)]
    [InlineData("1.0", 0)]
    [InlineData("", 0)]
    public void Hops_are_digits_and_at_most_ten(string text, int hop) =>
        Assert.Equal(hop, ContextEnvelope.Decode(null, null, $"caracal.hop={text}").Hop);

    [Fact]
    public void An_invalid_traceparent_is_dropped_with_its_state()
    {
        var bad = ContextEnvelope.Decode("00-00000000000000000000000000000000-00f067aa0ba902b7-01", "a=b", null);
        Assert.Equal((null, null), (bad.TraceParent, bad.TraceState));
        var good = ContextEnvelope.Decode("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=b", null);
        Assert.Equal("a=b", good.TraceState);
    }
}
