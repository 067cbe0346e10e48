using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Caracal.Cli.Run.CredentialFree;

/// <summary>Between the child's connection and the Gateway's: headers that end here, and bodies that stream.</summary>
internal static class ProxyAnswer
{
    private static readonly HashSet<string> EndHere = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Host",
        "Authorization", // whatever the child believes it is: the run's authority is ours to add
    };

    public static HttpRequestMessage Request(HttpContext context, Uri url)
    {
        var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), url);
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true) request.Content = new StreamContent(context.Request.Body);
        foreach (var (name, values) in context.Request.Headers)
        {
            if (EndHere.Contains(name) || name.StartsWith("X-Caracal-", StringComparison.OrdinalIgnoreCase)) continue;
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values)) request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }

        return request;
    }

    public static async Task RelayAsync(HttpContext context, HttpResponseMessage answer)
    {
        context.Response.StatusCode = (int)answer.StatusCode;
        Copy(answer.Headers, context);
        Copy(answer.Content.Headers, context);
        await using var body = await answer.Content.ReadAsStreamAsync(context.RequestAborted);
        var buffer = new byte[16 * 1024];
        while (await body.ReadAsync(buffer, context.RequestAborted) is var read and > 0)
        {
            await context.Response.Body.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    public static async Task RefuseAsync(HttpContext context, int status, string code, string description)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(JsonSerializer.Serialize(new { error = code, error_description = description }));
    }

    private static void Copy(HttpHeaders headers, HttpContext context)
    {
        foreach (var (name, values) in headers)
        {
            if (!EndHere.Contains(name)) context.Response.Headers[name] = values.ToArray();
        }
    }
}
