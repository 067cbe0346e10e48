using System.Buffers;
using Caracal.Gateway.Forwarding;

namespace Caracal.Gateway.WebSockets;

/// <summary>One direction of a WebSocket: the bytes as they come, until the call ends; then perhaps one close frame of ours.</summary>
internal sealed class SocketDirection(Stream from, Stream to, CallLifetime lifetime, TimeSpan idle) : IDisposable
{
    private const int BufferSize = 16 * 1024;

    private readonly SemaphoreSlim _turn = new(1, 1);
    private FrameBoundary _boundary;

    /// <summary>Bytes that went by.</summary>
    public long Bytes { get; private set; }

    /// <summary>Copies until the sending side ends.</summary>
    /// <param name="readEnds">Ends a read that waits, where that leaves the connection whole; otherwise none, and the stream is disposed.</param>
    public async Task CopyAsync(CancellationToken readEnds)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        int read;
        while ((read = await from.ReadAsync(buffer, readEnds)) > 0)
        {
            lifetime.DeadlineAfter(idle);
            await PassAsync(buffer.AsMemory(0, read));
        }

        ArrayPool<byte>.Shared.Return(buffer); // only here: a read that was cut off may still write into it
    }

    /// <summary>Puts a last frame behind what went by; false when the receiver is in the middle of a frame or takes no more.</summary>
    public async Task<bool> TryEndAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        var isOurs = false;
        try
        {
            await _turn.WaitAsync(cancellationToken);
            isOurs = true;
            if (!_boundary.IsBetweenFrames)
            {
                return false;
            }

            await to.WriteAsync(frame, cancellationToken);
            await to.FlushAsync(cancellationToken);
            return true;
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            return false;
        }
        finally
        {
            if (isOurs) _turn.Release(); // nothing follows a close frame: the call has ended, and whoever has the turn next sees it
        }
    }

    public void Dispose() => _turn.Dispose();

    private async ValueTask PassAsync(ReadOnlyMemory<byte> bytes)
    {
        await _turn.WaitAsync();
        try
        {
            lifetime.Token.ThrowIfCancellationRequested(); // what arrives together with a revocation stays here
            _boundary.Pass(bytes.Span);
            Bytes += bytes.Length;
            await to.WriteAsync(bytes);
            await to.FlushAsync();
        }
        finally
        {
            _turn.Release();
        }
    }
}
