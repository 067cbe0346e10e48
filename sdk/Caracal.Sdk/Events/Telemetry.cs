using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Caracal.Sdk.Events;

/// <summary>Where a client's events go: its subscribers, and the meter and activity source <c>Caracal.Sdk</c>.</summary>
internal sealed class Telemetry(TimeProvider time)
{
    public static readonly ActivitySource Activities = new("Caracal.Sdk");
    private static readonly Meter Meter = new("Caracal.Sdk");
    private static readonly Histogram<double> Exchanges = Meter.CreateHistogram<double>("caracal.sdk.exchange.duration", "ms");
    private static readonly Histogram<double> Calls = Meter.CreateHistogram<double>("caracal.sdk.coordinator.duration", "ms");

    public event Action<CaracalEvent>? Raised;

    /// <summary>False when nobody listens: then no event is built.</summary>
    public bool IsWanted => Raised is not null || Exchanges.Enabled || Calls.Enabled;

    public TimeProvider Time => time;

    public long Begin() => time.GetTimestamp();

    public TimeSpan Since(long begin) => time.GetElapsedTime(begin);

    public void Raise(CaracalEvent raised)
    {
        switch (raised)
        {
            case TokenExchangeEvent { Cached: false }:
                Exchanges.Record(raised.Duration.TotalMilliseconds, new KeyValuePair<string, object?>("ok", raised.Ok));
                break;
            case CoordinatorCallEvent:
                Calls.Record(raised.Duration.TotalMilliseconds, new KeyValuePair<string, object?>("ok", raised.Ok));
                break;
        }

        foreach (var subscriber in Raised?.GetInvocationList() ?? [])
        {
            try
            {
                ((Action<CaracalEvent>)subscriber)(raised);
            }
#pragma warning disable CA1031 // a listener that throws must not change what the client does (sdk.md 8)
            catch (Exception)
#pragma warning restore CA1031
            {
            }
        }
    }
}
