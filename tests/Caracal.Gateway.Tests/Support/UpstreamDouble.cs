using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Caracal.Gateway.Tests.Support;

/// <summary>What an upstream saw of one request.</summary>
internal sealed record SeenRequest(string Method, string Target, Dictionary<string, string[]> Headers, byte[] Body)
{
    public string? Header(string name) => Headers.TryGetValue(name, out var values) ? string.Join(",", values) : null;
}

/// <summary>A real upstream that remembers what reached it.</summary>
internal sealed class UpstreamDouble : HttpDouble
{
    private UpstreamDouble()
        : base(Build())
    {
    }

    public ConcurrentQueue<SeenRequest> Seen { get; } = new();

    /// <summary>Answers a request; 200 and a small JSON body when unset. The body has been read before, unless <see cref="Raw"/> is set.</summary>
    public RequestDelegate? Answer { get; set; }

    /// <summary>Handles a request without anything being read or remembered first.</summary>
    public RequestDelegate? Raw { get; set; }

    public static async Task<UpstreamDouble> StartAsync()
    {
        var upstream = new UpstreamDouble();
        await upstream.StartAsync(upstream.HandleAsync);
        return upstream;
    }

    private async Task HandleAsync(HttpContext http)
    {
        if (Raw is { } raw)
        {
            await raw(http);
            return;
        }

        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        Seen.Enqueue(new SeenRequest(
            http.Request.Method,
            http.Features.Get<IHttpRequestFeature>()!.RawTarget,
            http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.Select(v => v ?? "").ToArray(), StringComparer.OrdinalIgnoreCase),
            body.ToArray()));
        if (Answer is { } answer)
        {
            await answer(http);
            return;
        }

        http.Response.ContentType = "application/json";
        http.Response.ContentLength = 11;
        await http.Response.WriteAsync("""{"ok":true}""");
    }
}
