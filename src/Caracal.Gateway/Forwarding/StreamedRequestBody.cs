using System.Buffers;
using System.Net;
using Caracal.Gateway.Overrides;
using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.Forwarding;

/// <summary>
/// The caller's body on its way upstream: never held, counted as it passes, its length kept when known. Trailers behind it
/// end here: the client has no way to send them on, and merged into headers they would be what nobody has checked.
/// </summary>
/// <param name="call">Whose body it is.</param>
/// <param name="settings">The bound and the deadlines.</param>
/// <param name="scan">Looks for another method in the body; null where no framework would take one from it.</param>
internal sealed class StreamedRequestBody(GatewayCall call, GatewaySettings settings, BodyScan? scan) : HttpContent
{
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _started;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // What passed is gone: a client that asks again, because the upstream refused the stream (RFC 9113 8.7), would send the
        // rest as if it were the whole.
        if (Interlocked.Exchange(ref _started, 1) != 0)
        {
            throw new InvalidOperationException("the caller's body can be sent once");
        }

        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, call.Lifetime.Token);
            await CopyAsync(stream, ending.Token);
        }
        finally
        {
            _finished.TrySetResult();
        }
    }

    /// <summary>
    /// Ends when nothing reads the caller's body any more: an upstream may answer before it has read everything, and
    /// the server takes the request apart as soon as the call is over.
    /// </summary>
    public Task SettledAsync() => Volatile.Read(ref _started) != 0 ? _finished.Task : Task.CompletedTask;

    private async Task CopyAsync(Stream stream, CancellationToken cancellationToken)
    {
        var reader = call.Http.Request.BodyReader;
        var length = call.Http.Request.ContentLength;
        long sent = 0;
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            var buffer = read.Buffer;
            sent += buffer.Length;
            if (sent > settings.MaxRequestBytes)
            {
                throw new BodyTooLargeException();
            }

            var isEnd = read.IsCompleted || sent == length;
            Check(buffer, isEnd);
            foreach (var part in buffer)
            {
                await stream.WriteAsync(part, cancellationToken);
            }

            reader.AdvanceTo(buffer.End);
            if (isEnd)
            {
                break;
            }

            await stream.FlushAsync(cancellationToken);
        }

        if (call.Answer is null)
        {
            // From now on the upstream is thinking: its headers are due within UPSTREAM_TIMEOUT.
            call.Lifetime.DeadlineAfter(settings.UpstreamTimeout);
        }
    }

    // Before these bytes leave: a body without its end does nothing upstream.
    private void Check(in ReadOnlySequence<byte> bytes, bool isEnd)
    {
        if (scan is null)
        {
            return;
        }

        foreach (var part in bytes)
        {
            if (!scan.Passes(part.Span))
            {
                throw new OtherMethodException();
            }
        }

        if (isEnd && !scan.EndsWell())
        {
            throw new OtherMethodException();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = call.Http.Request.ContentLength ?? 0;
        return call.Http.Request.ContentLength is not null;
    }
}
