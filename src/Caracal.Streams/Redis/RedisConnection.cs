using System.Collections.Concurrent;
using Caracal.Streams.Redis.Connections;
using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Redis;

/// <summary>
/// Our way to one Redis: a connection that all callers share, and one of its own for each blocking reader. It dials at
/// the first command, again and again when the server is lost, and refuses at once while there is none.
/// </summary>
public sealed class RedisConnection(RedisOptions options) : IAsyncDisposable
{
    private static readonly TimeSpan Stable = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _firstDial = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentBag<RedisLink> _idleReaders = [];
    private readonly Lock _start = new();
    private Task? _maintaining;
    private RedisLink? _link;
    private string _failure = "Redis has not been reached yet";

    /// <summary>Counters since it was made.</summary>
    public RedisFigures Figures { get; } = new();

    /// <summary>True while the shared connection is up.</summary>
    public bool IsConnected => Volatile.Read(ref _link) is { IsOpen: true };

    /// <summary>
    /// Runs any command, for administration. A refusal of the server is a reply of kind <see cref="RespKind.Error"/>;
    /// <see cref="StreamsUnavailableException"/> says that there is no server.
    /// </summary>
    public async Task<RespValue> ExecuteAsync(IReadOnlyList<string> command, CancellationToken cancellationToken) =>
        await SendAsync(WriteAny, command, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Task? maintaining;
        lock (_start)
        {
            maintaining = _maintaining;
        }

        if (maintaining is not null)
        {
            await maintaining;
        }

        while (_idleReaders.TryTake(out var reader))
        {
            await reader.DisposeAsync();
        }

        _stop.Dispose();
    }

    internal ValueTask<RespValue> SendAsync<TState>(
        WriteCommand<TState> write, TState state, CancellationToken cancellationToken) =>
        Volatile.Read(ref _link) is { } link
            ? link.Send(write, state, options.CommandTimeout, cancellationToken)
            : SendFirstAsync(write, state, cancellationToken);

    /// <summary>Sends a command that the server may hold back for a time, on a connection that nobody else uses meanwhile.</summary>
    internal async Task<RespValue> SendBlockingAsync<TState>(
        WriteCommand<TState> write, TState state, TimeSpan block, CancellationToken cancellationToken)
    {
        var link = await RentReaderAsync(cancellationToken);
        var isClean = false;
        try
        {
            var reply = await link.Send(write, state, block + options.CommandTimeout, cancellationToken);
            isClean = true;
            return reply;
        }
        finally
        {
            // An abandoned read still blocks at the server: only closing the connection takes it back.
            if (isClean && _idleReaders.Count < options.MaximumIdleReaders && !_stop.IsCancellationRequested)
            {
                _idleReaders.Add(link);
            }
            else
            {
                await link.DisposeAsync();
            }
        }
    }

    private async ValueTask<RespValue> SendFirstAsync<TState>(
        WriteCommand<TState> write, TState state, CancellationToken cancellationToken)
    {
        Start();
        try
        {
            await _firstDial.Task.WaitAsync(options.CommandTimeout, cancellationToken);
        }
        catch (TimeoutException fault)
        {
            throw new StreamsUnavailableException("Redis cannot be reached in time", fault);
        }

        var link = Volatile.Read(ref _link) ?? throw new StreamsUnavailableException(Volatile.Read(ref _failure));
        return await link.Send(write, state, options.CommandTimeout, cancellationToken);
    }

    private async Task<RedisLink> RentReaderAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        while (_idleReaders.TryTake(out var idle))
        {
            if (idle.IsOpen)
            {
                return idle;
            }

            await idle.DisposeAsync();
        }

        return await new RedisDialer(options, Figures).DialAsync(cancellationToken);
    }

    private void Start()
    {
        lock (_start)
        {
            ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
            if (_maintaining is null)
            {
                // It outlives the caller that happens to be first, and so must not carry that caller's context.
                using (ExecutionContext.SuppressFlow())
                {
                    _maintaining = Task.Run(MaintainAsync);
                }
            }
        }
    }

    private async Task MaintainAsync()
    {
        var dialer = new RedisDialer(options, Figures);
        var backoff = options.FirstBackoff;
        try
        {
            while (true)
            {
                var since = Environment.TickCount64;
                if (await KeepAsync(dialer) && Environment.TickCount64 - since >= (long)Stable.TotalMilliseconds)
                {
                    backoff = options.FirstBackoff;
                    continue;
                }

                // Half of it at random, so that a fleet does not return in one wave.
                await Task.Delay(backoff * (0.5 + (Random.Shared.NextDouble() / 2)), _stop.Token);
                backoff = backoff * 2 < options.LongestBackoff ? backoff * 2 : options.LongestBackoff;
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            Volatile.Write(ref _failure, "the connection to Redis was closed");
            _firstDial.TrySetResult();
        }
    }

    // One link from its dial to its end; false when there was none.
    private async Task<bool> KeepAsync(RedisDialer dialer)
    {
        RedisLink link;
        try
        {
            link = await dialer.DialAsync(_stop.Token);
        }
        catch (StreamsUnavailableException fault)
        {
            Volatile.Write(ref _failure, fault.Message);
            _firstDial.TrySetResult();
            return false;
        }

        try
        {
            Volatile.Write(ref _link, link);
            _firstDial.TrySetResult();
            await link.Closed.WaitAsync(_stop.Token);
            Volatile.Write(ref _failure, link.End);
            return true;
        }
        finally
        {
            Volatile.Write(ref _link, null);
            await link.DisposeAsync();
        }
    }

    private static void WriteAny(RespBuffer buffer, IReadOnlyList<string> command)
    {
        buffer.Begin(command.Count);
        foreach (var part in command)
        {
            buffer.Part(part);
        }
    }
}
