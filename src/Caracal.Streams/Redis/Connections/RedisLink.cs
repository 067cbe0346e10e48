using System.IO.Pipelines;
using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Redis.Connections;

/// <summary>Writes one whole command.</summary>
internal delegate void WriteCommand<in TState>(RespBuffer buffer, TState state);

/// <summary>
/// One live connection that any number of callers share: commands go out in the order of their calls, many in one write,
/// and replies come back in that order. It lives until the first fault and then fails everyone who waits.
/// </summary>
internal sealed class RedisLink : IAsyncDisposable, IThreadPoolWorkItem
{
    private readonly Lock _gate = new();
    private readonly Stream _stream;
    private readonly RedisOptions _options;
    private readonly RedisFigures _figures;
    private readonly PendingReplyPool _pool = new();
    private readonly Queue<PendingReply> _inFlight = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Timer _watch;
    private readonly Task _receiving;
    private RespBuffer _unsent = new();
    private RespBuffer _sending = new();
    private bool _isSending;
    private volatile bool _isDisposed;
    private string? _end;
    private long _lastReceived = Environment.TickCount64;

    public RedisLink(Stream stream, RedisOptions options, RedisFigures figures)
    {
        _stream = stream;
        _options = options;
        _figures = figures;
        _receiving = ReceiveAsync();
        var interval = Math.Clamp((int)options.CommandTimeout.TotalMilliseconds / 10, 5, 250);
        _watch = new Timer(static link => ((RedisLink)link!).Watch(), this, interval, interval);
    }

    /// <summary>Completes when the link has ended.</summary>
    public Task Closed => _closed.Task;

    public bool IsOpen => Volatile.Read(ref _end) is null;

    /// <summary>True while somebody waits for a reply.</summary>
    public bool IsAwaited
    {
        get
        {
            lock (_gate) return _inFlight.Count > 0;
        }
    }

    /// <summary>Why it ended.</summary>
    public string End => Volatile.Read(ref _end) ?? "";

    /// <summary>
    /// Sends one command. The order of calls is the order at the server, whether or not the callers await in between.
    /// Nothing has been sent when it throws <see cref="StreamsUnavailableException"/> at once; a task that fails leaves open
    /// whether the server has done it.
    /// </summary>
    public ValueTask<RespValue> Send<TState>(
        WriteCommand<TState> write, TState state, TimeSpan patience, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        PendingReply reply;
        bool mustSend, isAlone;
        lock (_gate)
        {
            Refuse();
            Write(write, state);
            reply = _pool.Rent();
            reply.Prepare(Environment.TickCount64 + (long)patience.TotalMilliseconds);
            _inFlight.Enqueue(reply);
            mustSend = !_isSending;
            _isSending = true;
            isAlone = _inFlight.Count == 1;
        }

        reply.CancelWith(cancellationToken);
        if (mustSend && isAlone)
        {
            _ = SendAsync(once: true);
        }
        else if (mustSend)
        {
            // Others are waiting too: what they send until a thread is free goes out in the same write.
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        return reply.Task;
    }

    /// <summary>Sends what is waiting, on a thread of the pool.</summary>
    public void Execute() => _ = SendAsync(once: false);

    public async ValueTask DisposeAsync()
    {
        _isDisposed = true;
        Finish("the connection to Redis was closed", null);
        await _receiving;
        await _watch.DisposeAsync();
    }

    private void Refuse()
    {
        if (_end is not null)
        {
            _figures.CountDisruption();
            throw new StreamsUnavailableException(_end);
        }

        if (_inFlight.Count >= _options.MaximumInFlight || _unsent.Length >= _options.MaximumUnsentBytes)
        {
            _figures.CountDisruption();
            throw new StreamsUnavailableException("too many commands wait for Redis");
        }
    }

    private void Write<TState>(WriteCommand<TState> write, TState state)
    {
        var start = _unsent.Length;
        try
        {
            write(_unsent, state);
        }
        catch
        {
            _unsent.Truncate(start);
            throw;
        }
    }

    // A caller sends once on its own thread, which saves a switch, and leaves what came together meanwhile to the pool.
    private async Task SendAsync(bool once)
    {
        try
        {
            while (TakeUnsent())
            {
                await _stream.WriteAsync(_sending.Written);
                _sending.Clear();
                if (once && HasUnsent())
                {
                    ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                    return;
                }
            }
        }
        catch (Exception fault)
        {
            Finish("the connection to Redis broke", fault);
        }
    }

    private bool HasUnsent()
    {
        lock (_gate)
        {
            return _unsent.Length > 0;
        }
    }

    private bool TakeUnsent()
    {
        lock (_gate)
        {
            if (_unsent.Length == 0 || _end is not null)
            {
                _isSending = false;
                return false;
            }

            (_unsent, _sending) = (_sending, _unsent);
            return true;
        }
    }

    private async Task ReceiveAsync()
    {
        await Task.Yield();
        var reader = PipeReader.Create(_stream, new StreamPipeReaderOptions(bufferSize: 32 * 1024, leaveOpen: true));
        var parser = new RespParser();
        try
        {
            ReadResult read;
            do
            {
                read = await reader.ReadAsync();
                Volatile.Write(ref _lastReceived, Environment.TickCount64);
                var buffer = read.Buffer;
                while (parser.TryRead(ref buffer, out var value))
                {
                    Deliver(value);
                }

                reader.AdvanceTo(buffer.Start, buffer.End);
            }
            while (!read.IsCompleted);
            Finish("Redis closed the connection", null);
        }
        catch (Exception fault)
        {
            Finish("the connection to Redis broke", fault);
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    private void Deliver(in RespValue value)
    {
        if (value.Kind == RespKind.Push)
        {
            return;
        }

        PendingReply? reply;
        lock (_gate)
        {
            _inFlight.TryDequeue(out reply);
        }

        if (reply is null)
        {
            throw new RespProtocolException("The server sent a reply to nothing.");
        }

        reply.Complete(value);
        reply.Release();
    }

    // The oldest wait first, so the first that may go on waiting ends the look.
    private void Watch()
    {
        var now = Environment.TickCount64;
        var isSilent = false;
        lock (_gate)
        {
            foreach (var reply in _inFlight)
            {
                if (reply.Deadline > now)
                {
                    break;
                }

                isSilent = now - Volatile.Read(ref _lastReceived) >= (long)_options.CommandTimeout.TotalMilliseconds;
                if (!reply.IsSettled && reply.Fail(new StreamsUnavailableException("Redis did not answer in time")))
                {
                    _figures.CountTimeout();
                }
            }
        }

        if (isSilent)
        {
            // Late and not a byte in all that time: a dead peer looks like this until the kernel gives up, minutes later.
            Finish("Redis stopped answering", null);
        }
    }

    private void Finish(string reason, Exception? fault)
    {
        PendingReply[] waiting;
        lock (_gate)
        {
            if (_end is not null)
            {
                return;
            }

            Volatile.Write(ref _end, reason);
            waiting = [.. _inFlight];
            _inFlight.Clear();
        }

        if (!_isDisposed)
        {
            _figures.CountDisruption();
        }

        foreach (var reply in waiting)
        {
            reply.Fail(new StreamsUnavailableException(reason, fault));
            reply.Release();
        }

        _watch?.Change(Timeout.Infinite, Timeout.Infinite);
        _stream.Dispose();
        _closed.TrySetResult();
    }
}
