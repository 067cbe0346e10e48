using System.Text.Json;
using Caracal.Verifier;
using Microsoft.AspNetCore.Http;

namespace Caracal.AspNetCore;

/// <summary>The answer to a request whose mandate was not accepted (gateway.md B5).</summary>
internal static class MandateFailureResponse
{
    public static async Task WriteAsync(HttpContext http, VerificationFailure failure, MandateRequirements requirements)
    {
        if (http.Response.HasStarted)
        {
            http.Abort();
            return;
        }

        http.Response.StatusCode = failure.Status;
        http.Response.ContentType = "application/json";
        http.Response.Headers.WWWAuthenticate = failure.WwwAuthenticate(requirements);
        http.Response.Headers.CacheControl = "no-store";
        using var body = new MemoryStream();
        await using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            writer.WriteString("error"u8, failure.Code);
            writer.WriteString("error_description"u8, failure.Description);
            if (failure.Hint.Length > 0)
            {
                writer.WriteString("error_hint"u8, failure.Hint);
            }

            writer.WriteEndObject();
        }

        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), http.RequestAborted);
    }
}
