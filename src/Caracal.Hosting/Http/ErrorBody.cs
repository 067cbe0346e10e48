using System.Buffers;
using System.Text.Json;
using Caracal.Hosting.Tracing;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.Hosting.Http;

/// <summary>Writes error envelopes: <c>error</c>, <c>error_description</c>, <c>requestId</c>, and what a service adds.</summary>
public static class ErrorBody
{
    /// <summary>
    /// Answers with the refusal. <paramref name="more"/> may add members; empty text is left out. Answers nothing when the
    /// response has already begun.
    /// </summary>
    public static Task WriteAsync(HttpContext context, Refusal refusal, Action<Utf8JsonWriter>? more = null)
    {
        var response = context.Response;
        if (response.HasStarted)
        {
            return Task.CompletedTask;
        }

        Spans.Current?.SetTag("caracal.refusal", refusal.Code);
        response.StatusCode = refusal.Status;
        if (refusal.RetryAfterSeconds is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString();
        }

        return WriteJsonAsync(response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("error"u8, refusal.Code);
            if (refusal.Description.Length > 0)
            {
                writer.WriteString("error_description"u8, refusal.Description);
            }

            more?.Invoke(writer);
            writer.WriteString("requestId"u8, context.RequestId());
            writer.WriteEndObject();
        });
    }

    /// <summary>Writes one JSON document with its length; the status must be set before.</summary>
    public static async Task WriteJsonAsync(HttpResponse response, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        await using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions
        {
            // Text goes out as it is: nobody embeds these answers in HTML, and clients compare the bytes.
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            write(writer);
        }

        response.ContentType = "application/json";
        response.ContentLength = buffer.WrittenCount;
        if (!HttpMethods.IsHead(response.HttpContext.Request.Method))
        {
            await response.Body.WriteAsync(buffer.WrittenMemory, response.HttpContext.RequestAborted);
        }
    }
}
