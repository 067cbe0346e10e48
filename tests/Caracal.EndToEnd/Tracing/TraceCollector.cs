using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.EndToEnd.Tracing;

/// <summary>A collector on loopback: takes OTLP over HTTP and protobuf at <c>/v1/traces</c> from who shows its header, and keeps all bytes.</summary>
internal sealed class TraceCollector : IAsyncDisposable
{
    public const string Token = "collector-4c1d8a0b77";

    private readonly WebApplication _application;
    private readonly ConcurrentQueue<byte[]> _received = new();

    private TraceCollector(WebApplication application) => _application = application;

    public string Url { get; private set; } = "";

    public IReadOnlyList<ReceivedSpan> Spans => [.. _received.SelectMany(body => OtlpSpans.Read(body))];

    public static async Task<TraceCollector> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "collector" });
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var collector = new TraceCollector(builder.Build());
        collector._application.Run(collector.TakeAsync);
        await collector._application.StartAsync();
        collector.Url = collector._application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return collector;
    }

    /// <summary>The settings that send spans here.</summary>
    public Dictionary<string, string?> Variables() => new(StringComparer.Ordinal)
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Url,
        ["OTEL_EXPORTER_OTLP_HEADERS"] = "x-collector-token=" + Token,
        ["OTEL_RESOURCE_ATTRIBUTES"] = "deployment.environment.name=drill",
    };

    /// <summary>The spans of a trace, once there are that many.</summary>
    public async Task<IReadOnlyList<ReceivedSpan>> TraceAsync(string traceId, int count)
    {
        var waiting = Stopwatch.StartNew();
        while (true)
        {
            var trace = Spans.Where(span => span.TraceId == traceId).ToList();
            if (trace.Count >= count || waiting.Elapsed > TimeSpan.FromSeconds(20)) return trace;
            await Task.Delay(100);
        }
    }

    /// <summary>True when any byte sequence that came in holds the text.</summary>
    public bool Saw(string text) => _received.Any(body => body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0);

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        var request = context.Request;
        if (request.Method != "POST" || request.Path != "/v1/traces" || request.ContentType != "application/x-protobuf" || request.Headers["x-collector-token"] != Token)
        {
            context.Response.StatusCode = 400;
            return;
        }

        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        _received.Enqueue(body.ToArray());
        context.Response.ContentType = "application/x-protobuf";
    }
}
