using System.Collections.Frozen;
using System.Diagnostics.Metrics;

namespace Caracal.Storage.Postgres;

/// <summary>How many connections one service's pools have handed out, as the driver counts them (operations.md 6.3).</summary>
public sealed class PoolFigures : IDisposable
{
    private const string DriverMeter = "Npgsql";
    private const string Count = "db.client.connection.count";
    private const string PoolName = "db.client.connection.pool.name";
    private const string State = "db.client.connection.state";

    private readonly FrozenSet<string> _pools;
    private readonly MeterListener _listener = new();
    private readonly Lock _gate = new();
    private long _acquired;

    /// <param name="pools">Names of the pools.</param>
    /// <param name="maximum">Connections that they may hold together.</param>
    internal PoolFigures(IEnumerable<string> pools, int maximum)
    {
        _pools = pools.ToFrozenSet(StringComparer.Ordinal);
        Maximum = maximum;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == DriverMeter && instrument.Name == Count) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((_, value, tags, _) => Add(value, tags));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, _) => Add(value, tags));
        _listener.Start();
    }

    /// <summary>Connections that the pools may hold together.</summary>
    public int Maximum { get; }

    /// <summary>Connections in use now.</summary>
    public long Acquired
    {
        get
        {
            lock (_gate)
            {
                _acquired = 0;
                _listener.RecordObservableInstruments();
                return _acquired;
            }
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Add(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var isOurs = false;
        var isUsed = false;
        foreach (var (name, text) in tags)
        {
            isOurs |= name == PoolName && text is string pool && _pools.Contains(pool);
            isUsed |= name == State && text is "used";
        }

        if (isOurs && isUsed) _acquired += value;
    }
}
