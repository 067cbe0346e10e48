using System.Diagnostics;
using System.Net;
using Caracal.Hosting.Keys;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Hosting.Settings;
using Caracal.Hosting.Tls;
using Caracal.Hosting.Tracing;
using Caracal.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Caracal.Hosting.Http;

/// <summary>
/// The HTTP server of one role on a port of its own. Every request gets its id before anything else runs, and a handler
/// that throws becomes one 500 <c>internal_error</c> without a word about why.
/// </summary>
public sealed class RoleServer : IAsyncDisposable
{
    private static readonly Refusal Fault = new(500, "internal_error");

    private readonly RoleServerOptions _options;
    private readonly ActivitySource _spans;
    private readonly HttpFigures? _figures;
    private readonly ScrapeFigures? _scrapes;

    private RoleServer(RoleServerOptions options, WebApplication application)
    {
        _options = options;
        _spans = Spans.SourceOf(options.Role);
        _figures = options.Metrics is { } metrics ? new HttpFigures(metrics) : null;
        _scrapes = options.Metrics is { } scraped ? new ScrapeFigures(scraped, TimeProvider.System) : null;
        Application = application;
    }

    /// <summary>Where the service maps its routes.</summary>
    public WebApplication Application { get; }

    /// <summary>The base address, known once started, without a trailing slash.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Builds the server; routes are mapped on <see cref="Application"/> before <see cref="StartAsync"/>.</summary>
    public static RoleServer Create(RoleServerOptions options, ILoggerProvider logging)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "caracal" });
        builder.Logging.AddProvider(logging);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        // Its logger alone makes the framework start an Activity for every request, listened to or not.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        builder.Services.AddRoutingCore();
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(host => host.ShutdownTimeout = options.ShutdownGrace);
        builder.WebHost.UseKestrelCore();
        builder.WebHost.UseKestrelHttpsConfiguration();
        var certificate = options.Listen.Tls
            ? new ServerCertificate(options.Listen.CertificateFile!, options.Listen.KeyFile!, TimeProvider.System)
            : null;
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, options, certificate));
        var server = new RoleServer(options, builder.Build());
        if (certificate is not null)
        {
            certificate.Log = logging.CreateLogger(options.Role);
            options.Metrics?.Gauge(
                "caracal_tls_cert_expiry_seconds", () => (certificate.ExpiresAt - TimeProvider.System.GetUtcNow()).TotalSeconds);
        }

        server.Application.Use(server.HandleAsync);
        if (options.MapsRoutes)
        {
            server.Application.UseRouting();
        }

        return server;
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await Application.StartAsync(cancellationToken);
        var addresses = Application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        var address = new Uri(addresses.First());
        var host = _options.Listen.Host is "0.0.0.0" or "::" or "[::]" ? "127.0.0.1" : _options.Listen.Host;
        Address = $"{(_options.Listen.Tls ? "https" : "http")}://{host}:{address.Port}";
    }

    /// <summary>Stops accepting and waits for what is in flight, at most the grace time.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Application.StopAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Application.DisposeAsync();
        _spans.Dispose();
    }

    private static void Configure(KestrelServerOptions kestrel, RoleServerOptions options, ServerCertificate? certificate)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        kestrel.Limits.MaxRequestBodySize = options.MaximumBodySize;
        kestrel.Limits.MaxRequestHeadersTotalSize = options.MaximumHeaderSize;
        kestrel.Limits.MaxRequestLineSize = options.MaximumHeaderSize;
        kestrel.Limits.RequestHeadersTimeout = options.HeaderTimeout;
        kestrel.Limits.KeepAliveTimeout = options.KeepAlive;

        // A slow reader or writer is bounded by each service's own deadlines, not by a byte rate.
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        if (options.Listen.Host == "localhost" && options.Listen.Port != 0)
        {
            kestrel.ListenLocalhost(options.Listen.Port, listen => Secure(listen, certificate));
        }
        else
        {
            var address = options.Listen.Host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(options.Listen.Host);
            kestrel.Listen(address, options.Listen.Port, listen => Secure(listen, certificate));
        }
    }

    private static void Secure(ListenOptions listen, ServerCertificate? certificate)
    {
        if (certificate is null)
        {
            return;
        }

        listen.Protocols = HttpProtocols.Http1AndHttp2;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = TimeSpan.FromSeconds(10),
            OnConnection = _ => new(certificate.ForHandshake()),
        });
    }

    private async Task HandleAsync(HttpContext context, RequestDelegate next)
    {
        RequestIds.Assign(context, _options.RequestIdRule, _options.RequestIdHeader);
        if (IsProbe(context, out var isScrape))
        {
            await AnswerAsync(context, next);
            if (isScrape) _scrapes?.Count(context);
            return;
        }

        var started = Stopwatch.GetTimestamp();
        using var span = ServerSpan.Start(_spans, context);
        await AnswerAsync(context, next);
        _figures?.Count(context.TakenRoute(), context.Response.StatusCode, Stopwatch.GetElapsedTime(started));
        if (span is not null) ServerSpan.Finish(span, context);
    }

    // What machines ask every few seconds.
    private static bool IsProbe(HttpContext context, out bool isScrape)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget;
        isScrape = target is "/metrics" or "/metrics.json" or "/api/metrics";
        return isScrape || target is "/health" or "/ready";
    }

    private async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            // By the raw target: a path that only becomes this one when its dots are resolved is somebody else's.
            var asked = HttpMethods.IsGet(context.Request.Method) ? context.Features.Get<IHttpRequestFeature>()?.RawTarget : null;
            await (asked switch
            {
                KeyReport.Path when _options.Keys is { } keys => keys.HandleAsync(context),
                PostureReport.Path when _options.Keys?.Posture is { } posture => posture.HandleAsync(context),
                _ => next(context),
            });
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException refused) when (!context.Response.HasStarted)
        {
            // Kestrel's own limits: the status is right, its text is not ours.
            var code = refused.StatusCode == StatusCodes.Status413PayloadTooLarge ? "payload_too_large" : "invalid_request";
            await ErrorBody.WriteAsync(context, new Refusal(refused.StatusCode, code));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller went away; there is nobody to answer.
        }
        catch (Exception fault) when (fault is not ConnectionAbortedException)
        {
            ServiceLog.UnhandledFault(Application.Logger, fault, _options.Role, context.RequestId());
            if (context.Response.HasStarted)
            {
                context.Abort();
                return;
            }

            context.Response.Clear();
            context.Response.Headers[_options.RequestIdHeader] = context.RequestId();
            await ErrorBody.WriteAsync(context, Fault);
        }
    }
}
