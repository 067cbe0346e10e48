using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.Sdk.Tests.Stacks;

/// <summary>One request as the upstream saw it.</summary>
public sealed record SeenCall(string Method, string PathAndQuery, IReadOnlyDictionary<string, string> Headers);

/// <summary>An upstream that remembers what it saw; <c>/moved</c> redirects.</summary>
public sealed class RecordingUpstream : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ConcurrentQueue<SeenCall> _seen = new();

    private RecordingUpstream(WebApplication application) => _application = application;

    public string Url { get; private set; } = "";

    public SeenCall Last => _seen.Last();

    public int Count => _seen.Count;

    public static async Task<RecordingUpstream> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "upstream" });
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var upstream = new RecordingUpstream(builder.Build());
        upstream._application.Run(upstream.AnswerAsync);
        await upstream._application.StartAsync();
        upstream.Url = upstream._application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return upstream;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        _seen.Enqueue(new SeenCall(
            context.Request.Method, context.Request.Path + context.Request.QueryString,
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
        if (context.Request.Path.Value!.EndsWith("/moved", StringComparison.Ordinal))
        {
            context.Response.StatusCode = 302;
            context.Response.Headers.Location = "/elsewhere";
            return;
        }

        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync("""{"ok":true}""");
    }
}
