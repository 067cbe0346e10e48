using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.Cli.Bench.Rotation;

/// <summary>A collector that writes every exported span into a file, as it came, to be searched.</summary>
internal sealed class TraceSink : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly SemaphoreSlim alone = new(1, 1);
    private readonly FileStream file;

    private TraceSink(WebApplication application, string path)
    {
        this.application = application;
        file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
    }

    public string Url { get; private set; } = "";

    public static async Task<TraceSink> StartAsync(string path, CancellationToken stop)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "collector" });
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var sink = new TraceSink(builder.Build(), path);
        sink.application.Run(async context =>
        {
            await sink.alone.WaitAsync(context.RequestAborted);
            try
            {
                await context.Request.Body.CopyToAsync(sink.file, context.RequestAborted);
                await sink.file.FlushAsync(context.RequestAborted);
            }
            finally
            {
                sink.alone.Release();
            }
        });
        await sink.application.StartAsync(stop);
        sink.Url = sink.application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return sink;
    }

    public async ValueTask DisposeAsync()
    {
        await application.DisposeAsync();
        await file.DisposeAsync();
        alone.Dispose();
    }
}
