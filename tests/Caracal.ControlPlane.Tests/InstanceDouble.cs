using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.ControlPlane.Tests;

/// <summary>The internal doors of a service that verification knocks at; every answer is good unless a test spoils it.</summary>
internal sealed class InstanceDouble : IAsyncDisposable
{
    private readonly WebApplication _application;

    private InstanceDouble(WebApplication application) => _application = application;

    public string Address { get; private set; } = "";

    /// <summary>Paths that answer 500.</summary>
    public ConcurrentDictionary<string, bool> Broken { get; } = new(StringComparer.Ordinal);

    public bool KnowsRevocations { get; set; } = true;

    public bool Acknowledges { get; set; } = true;

    public bool RefusesForgery { get; set; } = true;

    /// <summary>Zones whose keys do not open.</summary>
    public IReadOnlyList<string> ClosedZones { get; set; } = [];

    /// <summary>Key ids by zone.</summary>
    public Func<string, IReadOnlyList<string>> Kids { get; set; } = _ => [];

    public string Metrics { get; set; } = "";

    public static async Task<InstanceDouble> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "instance" });
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var instance = new InstanceDouble(builder.Build());
        instance._application.Run(instance.AnswerAsync);
        await instance._application.StartAsync();
        instance.Address = instance._application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return instance;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        if (Broken.ContainsKey(path))
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        }

        if (path == "/metrics") return context.Response.WriteAsync(Metrics);
        return context.Response.WriteAsync(JsonSerializer.Serialize<object>(path switch
        {
            "/.well-known/jwks.json" => new { keys = Kids(context.Request.Query["zone_id"]!).Select(kid => new { kid }) },
            "/internal/keys/selftest" => new { ok = ClosedZones.Count == 0, failed = ClosedZones },
            "/internal/selftest/refusal" => new { ok = RefusesForgery },
            _ => new { revoked = KnowsRevocations, acknowledged = Acknowledges },
        }));
    }
}
