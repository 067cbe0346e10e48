namespace Caracal.Streams.Redis;

/// <summary>What happened on a connection since it was made, for <c>caracal_redis_errors_total{class}</c> and its like.</summary>
public sealed class RedisFigures
{
    private long _connections;
    private long _open;
    private long _connectErrors;
    private long _authErrors;
    private long _timeouts;
    private long _disruptions;

    public long Connections => Interlocked.Read(ref _connections);

    public long ConnectErrors => Interlocked.Read(ref _connectErrors);

    public long AuthErrors => Interlocked.Read(ref _authErrors);

    public long Timeouts => Interlocked.Read(ref _timeouts);

    /// <summary>Rises with everything that can have broken off the work on a message: readers look back when it has.</summary>
    internal long Disruptions => Interlocked.Read(ref _disruptions);

    internal void CountDisruption() => Interlocked.Increment(ref _disruptions);

    /// <summary>Connections that are open now.</summary>
    public long Open => Interlocked.Read(ref _open);

    internal void CountConnection(Task closed)
    {
        Interlocked.Increment(ref _connections);
        Interlocked.Increment(ref _open);
        _ = closed.ContinueWith(_ => Interlocked.Decrement(ref _open), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    internal void CountConnectError() => Interlocked.Increment(ref _connectErrors);

    internal void CountAuthError() => Interlocked.Increment(ref _authErrors);

    internal void CountTimeout()
    {
        Interlocked.Increment(ref _timeouts);
        CountDisruption();
    }
}
