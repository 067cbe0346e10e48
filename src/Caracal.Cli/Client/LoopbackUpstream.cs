using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.Cli.Client;

/// <summary>What the upstream saw of one request.</summary>
internal sealed record SeenRequest(string Method, string Path, string? ApiKey, bool SawMandate, string? TraceParent);

/// <summary>A small real upstream on loopback: answers every request and, if asked to, remembers what it saw.</summary>
internal sealed class LoopbackUpstream : IAsyncDisposable
{
    /// <summary>What every request is answered with.</summary>
    public const string Document = """{"reports":["piper-1","piper-2"]}""";

    private static readonly byte[] Body = Encoding.UTF8.GetBytes(Document);

    private readonly WebApplication application;
    private readonly ConcurrentQueue<SeenRequest>? seen;

    private LoopbackUpstream(WebApplication application, ConcurrentQueue<SeenRequest>? seen)
    {
        this.application = application;
        this.seen = seen;
    }

    public string Url { get; private set; } = "";

    /// <summary>Requests so far, oldest first.</summary>
    public IReadOnlyList<SeenRequest> Seen => seen is null ? [] : [.. seen];

    public static async Task<LoopbackUpstream> StartAsync(bool remember, CancellationToken stop)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "upstream" });
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var upstream = new LoopbackUpstream(builder.Build(), remember ? new ConcurrentQueue<SeenRequest>() : null);
        upstream.application.Run(upstream.AnswerAsync);
        await upstream.application.StartAsync(stop);
        upstream.Url = upstream.application.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.First();
        return upstream;
    }

    public ValueTask DisposeAsync() => application.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        if (seen is not null)
        {
            // A mandate is a JWT; wherever one turns up, in any header, the upstream must not have seen it.
            var leaked = context.Request.Headers.Any(header => header.Value.ToString().Contains("eyJ", StringComparison.Ordinal));
            seen.Enqueue(new SeenRequest(context.Request.Method, context.Request.Path, context.Request.Headers["X-Api-Key"], leaked, context.Request.Headers.TraceParent));
        }

        context.Response.ContentType = "application/json";
        context.Response.ContentLength = Body.Length;
        await context.Response.Body.WriteAsync(Body, context.RequestAborted);
    }
}
