namespace Caracal.Storage;

/// <summary>Times as SQLite stores them: whole microseconds since 1970, UTC.</summary>
public static class Instants
{
    /// <summary>Truncates to the microsecond, as PostgreSQL does.</summary>
    public static long ToMicroseconds(DateTimeOffset time)
    {
        var ticks = time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        return Math.DivRem(ticks, TimeSpan.TicksPerMicrosecond, out var rest) - (rest < 0 ? 1 : 0);
    }

    public static DateTimeOffset FromMicroseconds(long microseconds) =>
        microseconds >= DateTimeOffset.MaxValue.UtcTicks / TimeSpan.TicksPerMicrosecond
            ? DateTimeOffset.MaxValue
            : DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
}
