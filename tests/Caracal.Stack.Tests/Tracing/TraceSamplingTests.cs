using System.Diagnostics;
using Caracal.Hosting.Tracing;
using Caracal.Keys.Certificates;
using Caracal.Stack.Tracing;

namespace Caracal.Stack.Tests.Tracing;

/// <summary>Which traces are recorded: the operator's share decides, and no caller.</summary>
public sealed class TraceSamplingTests
{
    [Theory]
    [InlineData(1, ActivityTraceFlags.None, true)]
    [InlineData(1, ActivityTraceFlags.Recorded, true)]
    [InlineData(0, ActivityTraceFlags.None, false)]
    [InlineData(0, ActivityTraceFlags.Recorded, false)]
    public void The_share_counts_whatever_a_caller_says(double share, ActivityTraceFlags flags, bool recorded) =>
        Assert.Equal(recorded, IsRecorded(share, ActivityTraceId.CreateRandom(), flags));

    [Fact]
    public void Every_role_decides_the_same_of_one_trace()
    {
        var low = ActivityTraceId.CreateFromString("00000000000000010000000000000001");
        var high = ActivityTraceId.CreateFromString("7fffffffffffffff0000000000000001");
        foreach (var flags in (ActivityTraceFlags[])[ActivityTraceFlags.None, ActivityTraceFlags.Recorded]) Assert.Equal((true, false), (IsRecorded(0.5, low, flags), IsRecorded(0.5, high, flags)));
    }

    // Nothing listens at the collector's address; what is recorded is lost there.
    private static bool IsRecorded(double share, ActivityTraceId trace, ActivityTraceFlags flags)
    {
        var role = "sampling" + Guid.NewGuid().ToString("N");
        using var export = new TraceExport();
        export.Add(role, "test", new TraceSettings { Endpoint = new Uri("http://127.0.0.1:9/v1/traces"), Share = share, Authorities = ExtraAuthorities.Load(null) });
        using var source = Spans.SourceOf(role);
        var caller = new ActivityContext(trace, ActivitySpanId.CreateRandom(), flags, traceState: null, isRemote: true);
        using var span = source.StartActivity("call", ActivityKind.Server, caller);
        using var inner = source.StartActivity("inside");
        Assert.Equal(span?.Recorded == true, inner?.Recorded == true);
        return span?.Recorded == true;
    }
}
