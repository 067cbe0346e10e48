using System.Buffers;
using System.Net;
using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.Forwarding;

/// <summary>The caller's body on its way upstream: never held, counted as it passes, its length kept when known.</summary>
internal sealed class StreamedRequestBody(GatewayCall call, GatewaySettings settings) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
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

            foreach (var part in buffer)
            {
                await stream.WriteAsync(part, cancellationToken);
            }

            reader.AdvanceTo(buffer.End);
            if (read.IsCompleted || sent == length)
            {
                // From now on the upstream is thinking: its headers are due within UPSTREAM_TIMEOUT.
                call.Lifetime.DeadlineAfter(settings.UpstreamTimeout);
                return;
            }

            await stream.FlushAsync(cancellationToken);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = call.Http.Request.ContentLength ?? 0;
        return call.Http.Request.ContentLength is not null;
    }
}
