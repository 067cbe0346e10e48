using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>One service as the stack handles it.</summary>
internal sealed record HostedRole
{
    public required string Role { get; init; }

    /// <summary>Where it will listen.</summary>
    public required ListenSettings Listen { get; init; }

    /// <summary>Starts groups, snapshots and jobs, then listens; answers the base address.</summary>
    public required Func<CancellationToken, Task<string>> StartAsync { get; init; }

    /// <summary>Closes the door and lets what is inside finish.</summary>
    public required Func<Task> DrainAsync { get; init; }

    /// <summary>Ends the jobs; the evidence of the last request is safe by now.</summary>
    public required Func<Task> EndAsync { get; init; }

    /// <summary>A role whose listener the stack makes.</summary>
    public static HostedRole Served(
        RoleServerOptions options, MetricsRegistry metrics, ILoggerProvider logging, Action<WebApplication> mapRoutes,
        Func<CancellationToken, Task> start, Func<Task> stop, Func<ValueTask> dispose)
    {
        var server = RoleServer.Create(options with { Metrics = options.Metrics ?? metrics }, logging);
        mapRoutes(server.Application);
        var log = logging.CreateLogger(options.Role);
        return new HostedRole
        {
            Role = options.Role,
            Listen = options.Listen,
            StartAsync = async cancellationToken =>
            {
                await start(cancellationToken);
                await server.StartAsync(cancellationToken);
                ServiceLog.Listening(log, options.Role, server.Address);
                return server.Address;
            },
            DrainAsync = () =>
            {
                ServiceLog.ShuttingDown(log, options.Role);
                return server.StopAsync(CancellationToken.None);
            },
            EndAsync = async () =>
            {
                await stop();
                await server.DisposeAsync();
                await dispose();
            },
        };
    }
}
