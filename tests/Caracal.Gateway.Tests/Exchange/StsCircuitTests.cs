using Caracal.Gateway.Exchange;
using Caracal.Gateway.Tests.Support;

namespace Caracal.Gateway.Tests.Exchange;

public sealed class StsCircuitTests
{
    private readonly TestTime _time = new();

    [Fact]
    public void Opens_after_three_failures_and_lets_one_probe_through_after_ten_seconds()
    {
        var circuit = new StsCircuit(_time);
        Assert.False(Fail(circuit));
        Assert.False(Fail(circuit));
        Assert.True(Fail(circuit));
        Assert.True(circuit.IsOpen);
        Assert.False(circuit.TryEnter());

        _time.Advance(StsCircuit.OpenFor);
        Assert.True(circuit.TryEnter());
        Assert.False(circuit.TryEnter());
        Assert.False(circuit.Report(failed: true));
        Assert.False(circuit.TryEnter());

        _time.Advance(StsCircuit.OpenFor);
        Assert.True(circuit.TryEnter());
        circuit.Report(failed: false);
        Assert.False(circuit.IsOpen);
        Assert.True(circuit.TryEnter());
    }

    [Fact]
    public void An_answer_in_between_starts_the_count_anew()
    {
        var circuit = new StsCircuit(_time);
        Fail(circuit);
        Fail(circuit);
        circuit.Report(failed: false);
        Assert.False(Fail(circuit));
        Assert.False(circuit.IsOpen);
    }

    [Fact]
    public void Failures_far_apart_are_not_one_outage()
    {
        var circuit = new StsCircuit(_time);
        Fail(circuit);
        Fail(circuit);
        _time.Advance(TimeSpan.FromSeconds(31));
        Assert.False(Fail(circuit));
        Assert.False(circuit.IsOpen);
    }

    [Fact]
    public void An_abandoned_probe_may_be_sent_again()
    {
        var circuit = new StsCircuit(_time);
        Fail(circuit);
        Fail(circuit);
        Fail(circuit);
        _time.Advance(StsCircuit.OpenFor);
        Assert.True(circuit.TryEnter());
        circuit.Abandon();
        Assert.True(circuit.TryEnter());
    }

    private static bool Fail(StsCircuit circuit)
    {
        Assert.True(circuit.TryEnter());
        return circuit.Report(failed: true);
    }
}
