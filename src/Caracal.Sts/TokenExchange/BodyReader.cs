using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.TokenExchange;

/// <summary>Reads a request body whole, up to a limit; the exact bytes are what signatures cover.</summary>
internal static class BodyReader
{
    private static readonly TimeSpan RequestTime = TimeSpan.FromSeconds(5);

    /// <summary>Null when the body is larger than <paramref name="limit"/> or did not arrive within 5 seconds.</summary>
    public static async ValueTask<byte[]?> ReadAsync(HttpContext context, int limit)
    {
        if (context.Request.ContentLength > limit)
        {
            return null;
        }

        // A short body arrives with its headers: nobody has to watch the clock for it.
        var reader = context.Request.BodyReader;
        if (reader.TryRead(out var arrived))
        {
            if (arrived.IsCompleted && arrived.Buffer.Length <= limit)
            {
                return Take(reader, arrived);
            }

            reader.AdvanceTo(arrived.Buffer.Start);
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(RequestTime);
        while (true)
        {
            ReadResult read;
            try
            {
                read = await reader.ReadAsync(deadline.Token);
            }
            catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
            {
                return null;
            }

            if (read.Buffer.Length > limit)
            {
                reader.AdvanceTo(read.Buffer.End);
                return null;
            }

            if (read.IsCompleted)
            {
                return Take(reader, read);
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static byte[] Take(PipeReader reader, ReadResult read)
    {
        var body = System.Buffers.BuffersExtensions.ToArray(read.Buffer);
        reader.AdvanceTo(read.Buffer.End);
        return body;
    }
}
