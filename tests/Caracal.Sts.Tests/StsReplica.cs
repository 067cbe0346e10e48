using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Caracal.Sts.Tests;

/// <summary>One instance of the service on a port of its own.</summary>
internal sealed class StsReplica : IAsyncDisposable
{
    private readonly RoleServer _server;

    private StsReplica(StsService service, RoleServer server)
    {
        Service = service;
        _server = server;
        Client = new HttpClient { BaseAddress = new Uri(server.Address) };
    }

    public StsService Service { get; }
    public HttpClient Client { get; }

    public static async Task<StsReplica> StartAsync(StsSettings settings, StsDependencies dependencies)
    {
        var service = new StsService(settings, dependencies);
        var server = RoleServer.Create(
            StsService.ServerOptions(settings), new JsonLineLogging(TextWriter.Null, LogLevel.Warning, "test", "test"));
        service.MapRoutes(server.Application);
        await service.StartAsync(CancellationToken.None);
        await server.StartAsync(CancellationToken.None);
        return new StsReplica(service, server);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.StopAsync(CancellationToken.None);
        await _server.DisposeAsync();
        await Service.DisposeAsync();
    }
}
