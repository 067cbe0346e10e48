using Caracal.Gateway.Forwarding;
using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.WebSockets;

/// <summary>
/// Carries one WebSocket both ways until either side ends it, nothing moves for <c>STREAM_IDLE_TIMEOUT</c>, or its
/// authority is revoked or expires. Then both sides get a close frame (1008) or, in the middle of a frame, a cut connection.
/// </summary>
internal sealed class SocketRelay : IDisposable
{
    private static readonly TimeSpan CloseTime = TimeSpan.FromMilliseconds(500);
    private static readonly byte[] Revoked = [0x88, 2 + 17, 0x03, 0xF0, .. "authority revoked"u8];
    private static readonly byte[] Expired = [0x88, 2 + 17, 0x03, 0xF0, .. "authority expired"u8];

    // From us, the client, and so masked; the mask is zero, because there is nothing to hide.
    private static readonly byte[] ToUpstream = [0x88, 0x80 | 2, 0, 0, 0, 0, 0x03, 0xF0];

    private readonly GatewayCall _call;
    private readonly Stream _upstream;
    private readonly SocketDirection _down;
    private readonly SocketDirection _up;
    private readonly TimeSpan _idle;

    public SocketRelay(GatewayCall call, Stream caller, Stream upstream, TimeSpan idle)
    {
        _call = call;
        _upstream = upstream;
        _idle = idle;
        _down = new SocketDirection(upstream, caller, call.Lifetime, idle);
        _up = new SocketDirection(caller, upstream, call.Lifetime, idle);
    }

    /// <summary>Runs to the socket's end; <paramref name="endAsync"/> is called before either side is closed.</summary>
    public async Task RunAsync(Func<CopyEnd, ValueTask> endAsync)
    {
        _call.Lifetime.DeadlineAfter(_idle);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var ending = _call.Lifetime.Token.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), ended);
        var down = _down.CopyAsync(CancellationToken.None); // cancelling a read would close the upstream before it can be told
        var up = _up.CopyAsync(_call.Lifetime.Token);
        var first = await Task.WhenAny(down, up, ended.Task);
        await LingerAsync(first, down, up);
        _call.ResponseBytes = _down.Bytes;
        await endAsync(EndOf(first));
        _call.Lifetime.Close();
        await _upstream.DisposeAsync();
        await Task.WhenAll(down, up).ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Tells both sides that the authority is gone; false when the caller must be cut instead.</summary>
    public async Task<bool> TryCloseAsync()
    {
        using var limit = new CancellationTokenSource(CloseTime);
        var told = await Task.WhenAll(
            _up.TryEndAsync(ToUpstream, limit.Token),
            _down.TryEndAsync(_call.Lifetime.Cause == CallEnd.Expired ? Expired : Revoked, limit.Token));
        return told[1];
    }

    public void Dispose()
    {
        _down.Dispose();
        _up.Dispose();
    }

    // One side has ended well: what the other still has to say is worth a moment, no more.
    private static async Task LingerAsync(Task first, Task down, Task up)
    {
        if (first.IsCompletedSuccessfully && (first == down || first == up))
        {
            await Task.WhenAny(first == down ? up : down, Task.Delay(CloseTime));
        }
    }

    private CopyEnd EndOf(Task first) => _call.Lifetime.Cause switch
    {
        CallEnd.Revoked or CallEnd.Expired => CopyEnd.Revoked,
        CallEnd.Deadline => CopyEnd.Failed,
        _ => first.IsCompletedSuccessfully ? CopyEnd.Whole : CopyEnd.Failed,
    };
}
