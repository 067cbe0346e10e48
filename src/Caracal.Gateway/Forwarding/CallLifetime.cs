namespace Caracal.Gateway.Forwarding;

/// <summary>Why a call ended before its answer did; the default means it has not.</summary>
internal enum CallEnd
{
    None,
    Deadline,
    ClientGone,
    Revoked,

    /// <summary>The mandate of an open socket has come to its end.</summary>
    Expired,

    /// <summary>The call is over; whatever still runs for it ends.</summary>
    Closed,
}

/// <summary>One cancellation for everything a call waits for, which remembers its cause.</summary>
internal sealed class CallLifetime : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly CancellationTokenRegistration _client;
    private int _end;

    public CallLifetime(CancellationToken client)
    {
        // Registered by hand, not linked: a linked source could not tell the caller's leaving from a deadline.
        _client = client.UnsafeRegister(static state => ((CallLifetime)state!).End(CallEnd.ClientGone), this);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>What ended the call; a cancellation nobody explained is a deadline.</summary>
    public CallEnd Cause => (CallEnd)Volatile.Read(ref _end) switch
    {
        CallEnd.None when _source.IsCancellationRequested => CallEnd.Deadline,
        var cause => cause,
    };

    /// <summary>Moves the deadline to <paramref name="duration"/> from now.</summary>
    public void DeadlineAfter(TimeSpan duration) => _source.CancelAfter(duration);

    /// <summary>Takes the deadline away.</summary>
    public void NoDeadline() => _source.CancelAfter(Timeout.InfiniteTimeSpan);

    /// <summary>Ends the call because its authority is gone.</summary>
    public void Revoke() => End(CallEnd.Revoked);

    /// <summary>Ends the call because its mandate has expired.</summary>
    public void Expire() => End(CallEnd.Expired);

    /// <summary>Ends what still runs for a call that is over.</summary>
    public void Close() => End(CallEnd.Closed);

    public void Dispose()
    {
        _client.Dispose();
        _source.Dispose();
    }

    private void End(CallEnd cause)
    {
        if (Interlocked.CompareExchange(ref _end, (int)cause, (int)CallEnd.None) != (int)CallEnd.None)
        {
            return;
        }

        try
        {
            _source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call finished first.
        }
    }
}
