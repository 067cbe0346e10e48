using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Redis.Connections;

/// <summary>
/// The link that all callers share, made at the first command and again whenever it is lost. While there is none every
/// call is refused at once; only those that come before the first dial has ended wait for it, in a line that keeps their
/// order.
/// </summary>
internal sealed class SharedLink(RedisOptions options, RedisFigures figures) : IAsyncDisposable
{
    private const string NeverReached = "Redis cannot be reached in time";
    private static readonly TimeSpan Stable = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Leaving = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Queue<Action<RedisLink?>> _line = new();
    private Task? _maintaining;
    private RedisLink? _link;
    private string? _failure;
    private volatile RedisOptions? _renewed;
    private volatile RedisOptions? _entered;
    private TaskCompletionSource _renewal = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What the server has let us in with last, as far as it has.</summary>
    public RedisOptions Entered => _entered ?? options;

    private RedisOptions Entry => _renewed ?? options;

    public bool IsOpen => Volatile.Read(ref _link) is { IsOpen: true };

    public ValueTask<RespValue> SendAsync<TState>(
        WriteCommand<TState> write, TState state, CancellationToken cancellationToken) =>
        Volatile.Read(ref _link) is { } link
            ? link.Send(write, state, options.CommandTimeout, cancellationToken)
            : SendWithoutLink(write, state, cancellationToken);

    /// <summary>Replaces the link by one that enters with these credentials, also when they are the same; until that one is up, the old one serves.</summary>
    public void Renew(RedisOptions entry)
    {
        _renewed = entry;
        Interlocked.Exchange(ref _renewal, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Task? maintaining;
        lock (_gate)
        {
            maintaining = _maintaining;
            _maintaining ??= Task.CompletedTask;
            _failure ??= "the connection to Redis was closed";
        }

        if (maintaining is not null)
        {
            await maintaining;
        }

        _stop.Dispose();
    }

    private ValueTask<RespValue> SendWithoutLink<TState>(
        WriteCommand<TState> write, TState state, CancellationToken cancellationToken)
    {
        var turn = new TaskCompletionSource<Task<RespValue>>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_link is { } link)
            {
                return link.Send(write, state, options.CommandTimeout, cancellationToken);
            }

            if (_failure is not null)
            {
                figures.CountDisruption();
                throw new StreamsUnavailableException(_failure);
            }

            _line.Enqueue(made => TakeTurn(turn, made, write, state, cancellationToken));
            Start();
        }

        return WaitAsync(turn, cancellationToken);
    }

    private async ValueTask<RespValue> WaitAsync(
        TaskCompletionSource<Task<RespValue>> turn, CancellationToken cancellationToken)
    {
        try
        {
            return await await turn.Task.WaitAsync(options.CommandTimeout, cancellationToken);
        }
        catch (TimeoutException fault)
        {
            turn.TrySetCanceled(CancellationToken.None);
            throw new StreamsUnavailableException(NeverReached, fault);
        }
        catch (OperationCanceledException)
        {
            turn.TrySetCanceled(cancellationToken);
            throw;
        }
    }

    private void TakeTurn<TState>(
        TaskCompletionSource<Task<RespValue>> turn, RedisLink? link,
        WriteCommand<TState> write, TState state, CancellationToken cancellationToken)
    {
        if (turn.Task.IsCompleted)
        {
            return;
        }

        if (link is null)
        {
            turn.TrySetException(new StreamsUnavailableException(_failure ?? NeverReached));
            return;
        }

        try
        {
            turn.TrySetResult(link.Send(write, state, options.CommandTimeout, cancellationToken).AsTask());
        }
        catch (Exception fault)
        {
            turn.TrySetException(fault);
        }
    }

    private void Start()
    {
        if (_maintaining is null)
        {
            // It outlives the caller that happens to be first, and so must not carry that caller's context.
            using (ExecutionContext.SuppressFlow())
            {
                _maintaining = Task.Run(MaintainAsync);
            }
        }
    }

    private async Task MaintainAsync()
    {
        var backoff = options.FirstBackoff;
        try
        {
            while (true)
            {
                var since = Environment.TickCount64;
                if (await KeepAsync() && Environment.TickCount64 - since >= (long)Stable.TotalMilliseconds)
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
            Publish(null, "the connection to Redis was closed");
        }
    }

    // One link from its dial to its end; false when there was none.
    private async Task<bool> KeepAsync()
    {
        var entered = Entry;
        RedisLink link;
        try
        {
            link = await new RedisDialer(entered, figures).DialAsync(_stop.Token);
        }
        catch (StreamsUnavailableException fault)
        {
            Publish(null, fault.Message);
            return false;
        }

        List<Task> leaving = [];
        _entered = entered;

        try
        {
            Publish(link, null);
            while (true)
            {
                var renewal = Volatile.Read(ref _renewal).Task;
                var wanted = Entry;
                if (ReferenceEquals(wanted, entered)) await Task.WhenAny(link.Closed, renewal).WaitAsync(_stop.Token);
                else if (await DialAsync(wanted) is { } renewed)
                {
                    Publish(renewed, null);
                    leaving.Add(LeaveAsync(link));
                    (link, entered, _entered) = (renewed, wanted, wanted);
                }

                // Refused or not reached, the link in use stays, and after a pause or another change it is tried again.
                else await Task.WhenAny(link.Closed, renewal, Task.Delay(options.LongestBackoff, _stop.Token)).WaitAsync(_stop.Token);

                if (link.Closed.IsCompleted) return true;
            }
        }
        finally
        {
            Publish(null, link.End);
            await link.DisposeAsync();
            await Task.WhenAll(leaving);
        }
    }

    private async Task<RedisLink?> DialAsync(RedisOptions entry)
    {
        try
        {
            return await new RedisDialer(entry, figures).DialAsync(_stop.Token);
        }
        catch (StreamsUnavailableException)
        {
            return null;
        }
    }

    // Whoever had taken the link before it was replaced has sent by the first look, and every reply that is awaited there comes,
    // or fails on its own, within the time of a command.
    private async Task LeaveAsync(RedisLink link)
    {
        var since = Environment.TickCount64;
        do await Task.WhenAny(link.Closed, Task.Delay(Leaving, _stop.Token));
        while (link.IsAwaited && !link.Closed.IsCompleted && !_stop.IsCancellationRequested
            && Environment.TickCount64 - since < (long)options.CommandTimeout.TotalMilliseconds);
        await link.DisposeAsync();
    }

    private void Publish(RedisLink? link, string? failure)
    {
        lock (_gate)
        {
            _failure = failure;
            while (_line.TryDequeue(out var turn))
            {
                turn(link);
            }

            Volatile.Write(ref _link, link);
        }
    }
}
