using System.Threading.Tasks.Sources;
using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Redis.Connections;

/// <summary>
/// A reply that has not come yet, used again and again. It has two owners: the caller who awaits it and the link in whose
/// queue it stands. It goes back to its pool when both have let go, so a caller who gave up leaves its place in the queue
/// behind and the next reply still finds its own command.
/// </summary>
internal sealed class PendingReply(PendingReplyPool pool) : IValueTaskSource<RespValue>
{
    private ManualResetValueTaskSourceCore<RespValue> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private int _settled;
    private int _owners;

    /// <summary>When the caller stops waiting, in <see cref="Environment.TickCount64"/>.</summary>
    public long Deadline { get; private set; }

    public bool IsSettled => Volatile.Read(ref _settled) != 0;

    public ValueTask<RespValue> Task => new(this, _core.Version);

    public void Prepare(long deadline)
    {
        Deadline = deadline;
        _owners = 2;
    }

    /// <summary>Called by the caller before it awaits, so that <see cref="GetResult"/> always sees the registration.</summary>
    public void CancelWith(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            _registration = cancellationToken.UnsafeRegister(
                static (reply, token) => ((PendingReply)reply!).Fail(new OperationCanceledException(token)), this);
        }
    }

    public void Complete(in RespValue value)
    {
        if (Interlocked.Exchange(ref _settled, 1) == 0)
        {
            _core.SetResult(value);
        }
    }

    public bool Fail(Exception fault)
    {
        if (Interlocked.Exchange(ref _settled, 1) != 0)
        {
            return false;
        }

        _core.SetException(fault);
        return true;
    }

    /// <summary>One of the two owners lets go.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _owners) == 0)
        {
            _core.Reset();
            _settled = 0;
            pool.Return(this);
        }
    }

    public RespValue GetResult(short token)
    {
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            // Waits for a cancellation that is under way: it must not reach the next user of this object.
            _registration.Dispose();
            _registration = default;
            Release();
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
