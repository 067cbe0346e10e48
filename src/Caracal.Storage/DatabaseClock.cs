namespace Caracal.Storage;

/// <summary>
/// "Now" is the database's clock (README ruling 10): this process's clock plus an offset measured at start and every
/// 10 seconds. More than 30 seconds of skew, or no measurement, and nothing may be issued.
/// </summary>
public sealed class DatabaseClock
{
    /// <summary>The skew beyond which <see cref="IsUsable"/> is false.</summary>
    public static readonly TimeSpan MaximumSkew = TimeSpan.FromSeconds(30);

    /// <summary>How often the offset is measured.</summary>
    public static readonly TimeSpan MeasureInterval = TimeSpan.FromSeconds(10);

    // A measurement is wrong by half of its way at most.
    private static readonly TimeSpan LongestWay = TimeSpan.FromSeconds(5);

    private readonly Database _database;
    private readonly TimeProvider _time;
    private long _offsetTicks;
    private volatile bool _measured;

    public DatabaseClock(Database database, TimeProvider time)
    {
        _database = database;
        _time = time;
    }

    /// <summary>The process clock, for what the specification ties to it (signature skew, cache ages).</summary>
    public TimeProvider Process => _time;

    /// <summary>Database time, UTC.</summary>
    public DateTimeOffset Now => _time.GetUtcNow().AddTicks(Volatile.Read(ref _offsetTicks));

    /// <summary>False until measured, and while the skew is too large.</summary>
    public bool IsUsable => _measured && Math.Abs(Volatile.Read(ref _offsetTicks)) <= MaximumSkew.Ticks;

    /// <summary>Measures the offset; the round trip's half is taken as the way back. One of more than 5 s tells nothing: the offset stays.</summary>
    public async Task MeasureAsync(CancellationToken cancellationToken)
    {
        var begun = _time.GetTimestamp();
        var before = _time.GetUtcNow();
        var database = await _database.ReadClockAsync(cancellationToken);
        var after = _time.GetUtcNow();
        if (_time.GetElapsedTime(begun) > LongestWay) return;
        var middle = before + ((after - before) / 2);
        Volatile.Write(ref _offsetTicks, (database - middle).Ticks);
        _measured = true;
    }
}
