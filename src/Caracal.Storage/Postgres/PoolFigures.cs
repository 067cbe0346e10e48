using System.Collections.Concurrent;
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

    private readonly ConcurrentDictionary<string, byte> _pools = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _used = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _idle = new(StringComparer.Ordinal);
    private long _authErrors;
    private long _connectErrors;
    private long _timeouts;

    /// <param name="maximum">Connections that the pools may hold together.</param>
    internal PoolFigures(int maximum)
    {
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
    public long Acquired => Measure(() => _used.Values.Sum());

    /// <summary>Connections that one pool has open, in use or not.</summary>
    internal int OpenIn(string pool) => Measure(() => (int)(_used.GetValueOrDefault(pool) + _idle.GetValueOrDefault(pool)));

    /// <summary>Connections that wait in one pool.</summary>
    internal int IdleIn(string pool) => Measure(() => (int)_idle.GetValueOrDefault(pool));

    /// <summary>Counts the pool of this name as well, one of its own.</summary>
    internal void Add(string pool) => _pools[pool] = 0;

    /// <summary>A pool that is over.</summary>
    internal void Remove(string pool) => _pools.TryRemove(pool, out _);

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

    private T Measure<T>(Func<T> read)
    {
        lock (_gate)
        {
            _used.Clear();
            _idle.Clear();
            _listener.RecordObservableInstruments();
            return read();
        }
    }

    private void Add(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string? ours = null;
        var isUsed = false;
        foreach (var (name, text) in tags)
        {
            if (name == PoolName && text is string pool && _pools.ContainsKey(pool)) ours = pool;
            isUsed |= name == State && text is "used";
        }

        if (ours is null) return;
        var counted = isUsed ? _used : _idle;
        counted[ours] = counted.GetValueOrDefault(ours) + value;
    }
}
