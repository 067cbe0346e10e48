using System.Collections.Frozen;
using System.Diagnostics.Metrics;
using Npgsql;

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
    private readonly Dictionary<string, long> _open = new(StringComparer.Ordinal);
    private long _acquired;
    private long _authErrors;
    private long _connectErrors;
    private long _timeouts;

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
                _open.Clear();
                _listener.RecordObservableInstruments();
                return _acquired;
            }
        }
    }

    /// <summary>Connections that one pool has open, in use or not.</summary>
    public int OpenIn(string pool)
    {
        lock (_gate)
        {
            _open.Clear();
            _listener.RecordObservableInstruments();
            return (int)_open.GetValueOrDefault(pool);
        }
    }

    /// <summary>Refused logins so far.</summary>
    public long AuthErrors => Interlocked.Read(ref _authErrors);

    /// <summary>Servers that could not be reached, or went away, so far.</summary>
    public long ConnectErrors => Interlocked.Read(ref _connectErrors);

    /// <summary>Statements and waits that took too long so far.</summary>
    public long Timeouts => Interlocked.Read(ref _timeouts);

    /// <summary>Counts what made the store unavailable.</summary>
    internal void Failed(Exception fault)
    {
        if (fault is PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification }) Interlocked.Increment(ref _authErrors);
        else if (fault is TimeoutException or { InnerException: TimeoutException } or PostgresException { SqlState: PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.LockNotAvailable }) Interlocked.Increment(ref _timeouts);
        else Interlocked.Increment(ref _connectErrors);
    }

    public void Dispose() => _listener.Dispose();

    private void Add(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string? ours = null;
        var isUsed = false;
        foreach (var (name, text) in tags)
        {
            if (name == PoolName && text is string pool && _pools.Contains(pool)) ours = pool;
            isUsed |= name == State && text is "used";
        }

        if (ours is null) return;
        _open[ours] = _open.GetValueOrDefault(ours) + value;
        if (isUsed) _acquired += value;
    }
}
