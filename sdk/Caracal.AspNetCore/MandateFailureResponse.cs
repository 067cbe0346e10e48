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
        var problem = WantsProblemDetails(http);
        http.Response.ContentType = problem ? "application/problem+json" : "application/json";
        http.Response.Headers.WWWAuthenticate = Challenge(http, failure, requirements);
        http.Response.Headers.CacheControl = "no-store";
        using var body = new MemoryStream();
        await using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            if (problem)
            {
                writer.WriteString("type"u8, "about:blank"u8);
                writer.WriteString("title"u8, failure.Status == 401 ? "Unauthorized"u8 : "Forbidden"u8);
                writer.WriteNumber("status"u8, failure.Status);
                writer.WriteString("detail"u8, failure.Description);
            }

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

    // RFC 9457 for who asks for it by name; everybody else gets the v1.0 body, whose members are in both.
    private static bool WantsProblemDetails(HttpContext http) =>
        http.Request.Headers.Accept.ToString().Contains("application/problem+json", StringComparison.OrdinalIgnoreCase);

    // RFC 9728 5.1: a challenge says where the resource describes itself.
    private static string Challenge(HttpContext http, VerificationFailure failure, MandateRequirements requirements)
    {
        var challenge = failure.WwwAuthenticate(requirements);
        return http.GetEndpoint()?.Metadata.GetMetadata<ProtectedResource>() is { } resource
            ? $"{challenge}, resource_metadata=\"{http.Request.Scheme}://{http.Request.Host}{http.Request.PathBase}{resource.Path}\""
            : challenge;
    }
}
