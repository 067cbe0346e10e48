using Caracal.Gateway.Upstream;
using Caracal.Protocol.Context;
using Microsoft.Extensions.Primitives;

namespace Caracal.Gateway.Tests.Upstream;

public sealed class TraceAndBaggageTests
{
    private const string Good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    [Theory]
    [InlineData("")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7")]
    [InlineData("00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    [InlineData("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    [InlineData("00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more")]
    [InlineData("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g")]
    public void Refuses_what_is_no_traceparent(string value) => Assert.False(TraceParent.IsValid(value));

    [Theory]
    [InlineData(Good)]
    [InlineData("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more")]
    public void Keeps_a_valid_traceparent(string value)
    {
        Assert.True(TraceParent.IsValid(value));
        Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", TraceParent.TraceId(value));
    }

    [Fact]
    public void Makes_new_ones_that_are_valid_and_differ()
    {
        var made = TraceParent.New();
        Assert.True(TraceParent.IsValid(made));
        Assert.EndsWith("-01", made, StringComparison.Ordinal);
        Assert.NotEqual(made, TraceParent.New());
    }

    [Theory]
    [InlineData("caracal.session=ar-1", null)]
    [InlineData("caracal.agent_session=sess-child,caracal.delegation_edge=edge-1,caracal.hop=1,caracal.session=ar-1,tenant=a%20b%2Fc", "tenant=a%20b%2Fc")]
    [InlineData(" Caracal.Hop = 1 , a=1;p=2 ,, b=2", "a=1;p=2,b=2")]
    [InlineData("caracal%2Ehop=1,%63aracal.hop=2,x=3", "x=3")]
    [InlineData("caracalx=1", "caracalx=1")]
    [InlineData("", null)]
    public void Only_foreign_baggage_goes_upstream(string header, string? expected) =>
        Assert.Equal(expected, Baggage.Foreign(header));

    [Fact]
    public void Several_baggage_headers_are_joined() =>
        Assert.Equal("a=1,b=2", Baggage.Foreign(new StringValues(["a=1,caracal.hop=1", "b=2"])));
}
