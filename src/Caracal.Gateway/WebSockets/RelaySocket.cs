using Caracal.Gateway.Forwarding;
using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.WebSockets;

/// <summary>Switches both connections of an accepted handshake and keeps them under the call's authority.</summary>
internal sealed class RelaySocket(LiveAnswers live, GatewaySettings settings, TimeProvider time)
{
    private int _open;

    /// <summary>Sockets that are open now.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>
    /// Runs the socket to its end; <paramref name="record"/> keeps the evidence before the caller's side is closed, and
    /// says whether it could.
    /// </summary>
    public async Task RunAsync(GatewayCall call, Func<CopyEnd, ValueTask<bool>> record)
    {
        Interlocked.Increment(ref _open);
        var ended = false;
        try
        {
            await using var upstream = await call.Answer!.Content.ReadAsStreamAsync(call.Lifetime.Token);
            await using var caller = await call.WebSocket!.AcceptAsync(call.Http.Response);
            using var relay = new SocketRelay(call, caller, upstream, settings.StreamIdleTimeout);

            // The mandate's end is the socket's end: what outlives it would be authority nobody granted.
            using var expiry = new CancellationTokenSource(Left(call), time);
            await using var ending = expiry.Token.UnsafeRegister(static state => ((GatewayCall)state!).Lifetime.Expire(), call);
            live.Add(call);
            await relay.RunAsync(end =>
            {
                ended = true;
                return EndAsync(call, relay, end, record);
            });
        }
        catch (Exception) when (!ended)
        {
            // The upstream had switched and a side of it was gone before the first byte: a call like any other.
            await record(CopyEnd.Failed);
            call.Http.Abort();
        }
        finally
        {
            live.Remove(call);
            Interlocked.Decrement(ref _open);
        }
    }

    private static async ValueTask EndAsync(GatewayCall call, SocketRelay relay, CopyEnd end, Func<CopyEnd, ValueTask<bool>> record)
    {
        call.RevocationInterrupted = call.Lifetime.Cause == CallEnd.Revoked;
        var kept = await record(end);
        if (!kept || end == CopyEnd.Failed || (end == CopyEnd.Revoked && !await relay.TryCloseAsync()))
        {
            call.Http.Abort();
        }
    }

    private static TimeSpan Left(GatewayCall call)
    {
        var left = call.Claims.ExpiresAt - call.Now.ToUnixTimeSeconds() - call.Elapsed.TotalSeconds;
        return TimeSpan.FromSeconds(Math.Clamp(left, 0, TimeSpan.FromDays(1).TotalSeconds));
    }
}
