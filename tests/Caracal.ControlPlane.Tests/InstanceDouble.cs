using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Caracal.Keys.Signatures;
using Caracal.Protocol.Mandates;
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

    /// <summary>Paths that begin so get no answer.</summary>
    public string? Cut { get; set; }

    /// <summary>Paths that were asked for.</summary>
    public ConcurrentQueue<string> Asked { get; } = [];

    public bool KnowsRevocations { get; set; } = true;

    public bool Acknowledges { get; set; } = true;

    public bool RefusesForgery { get; set; } = true;

    /// <summary>Zones whose keys do not open.</summary>
    public IReadOnlyList<string> ClosedZones { get; set; } = [];

    /// <summary>Key ids by zone.</summary>
    public Func<string, IReadOnlyList<string>> Kids { get; set; } = _ => [];

    public string Metrics { get; set; } = "";

    /// <summary>What JWKS publishes under every key id.</summary>
    public SigningKey Published { get; set; } = SigningKey.Generate();

    /// <summary>What samples are signed with.</summary>
    public SigningKey? Signs { get; set; }

    /// <summary>What is answered in place of a sample.</summary>
    public string? Sampled { get; set; }

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

    private string Sample(string zone)
    {
        var signature = new byte[64];
        (Signs ?? Published).Sign(KeySample.Message(zone, Kids(zone)[0], 1), signature);
        return new KeySample(zone, Kids(zone)[0], 1, Base64Url.EncodeToString(signature)).ToString();
    }

    private Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        Asked.Enqueue(path);
        if (Cut is { } cut && path.StartsWith(cut, StringComparison.Ordinal))
        {
            context.Abort();
            return Task.CompletedTask;
        }

        if (Broken.ContainsKey(path))
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        }

        if (Sampled is not null && path.StartsWith("/internal/keys/sample/", StringComparison.Ordinal)) return context.Response.WriteAsync(Sampled);
        if (path == "/metrics") return context.Response.WriteAsync(Metrics);
        return context.Response.WriteAsync(JsonSerializer.Serialize<object>(path switch
        {
            "/.well-known/jwks.json" => new { keys = Kids(context.Request.Query["zone_id"]!).Select(kid => new { kid, kty = "EC", crv = "P-256", alg = "ES256", use = "sig", x = Base64Url.EncodeToString(Published.X.Span), y = Base64Url.EncodeToString(Published.Y.Span) }) },
            _ when path.StartsWith("/internal/keys/sample/", StringComparison.Ordinal) => new { sample = Sample(path.Split('/')[^1]) },
            "/internal/keys/selftest" => new { ok = ClosedZones.Count == 0, failed = ClosedZones },
            "/internal/selftest/refusal" => new { ok = RefusesForgery },
            _ => new { revoked = KnowsRevocations, acknowledged = Acknowledges },
        }));
    }
}
