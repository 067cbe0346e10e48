using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Caracal.Keys.Rings;
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

    /// <summary>What the STS's ping takes; null takes everything.</summary>
    public HmacKeyRing? Takes { get; set; }

    /// <summary>What a Gateway says of its own exchange, by whether the key is a bad one.</summary>
    public Func<bool, object> Exchange { get; set; } = _ => new { };

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

    private bool IsTaken(IHeaderDictionary headers) => Takes is null
        || GatewaySignature.Sign(Takes, headers[GatewaySignature.TimestampHeader]!, headers[GatewaySignature.NonceHeader]!, "POST", "/internal/gateway/ping", [])
            == headers[GatewaySignature.SignatureHeader];

    private static async Task<bool> IsBadAsync(HttpContext context)
    {
        using var body = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        return body.RootElement.GetProperty("bad_key").GetBoolean();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        Asked.Enqueue(path);
        if (Cut is { } cut && path.StartsWith(cut, StringComparison.Ordinal))
        {
            context.Abort();
            return;
        }

        if (Broken.ContainsKey(path)) context.Response.StatusCode = 500;
        else if (path == "/internal/gateway/ping") context.Response.StatusCode = IsTaken(context.Request.Headers) ? 200 : 401;
        else await context.Response.WriteAsync(await BodyAsync(context, path));
    }

    private async Task<string> BodyAsync(HttpContext context, string path)
    {
        if (Sampled is not null && path.StartsWith("/internal/keys/sample/", StringComparison.Ordinal)) return Sampled;
        if (path == "/metrics") return Metrics;
        return JsonSerializer.Serialize(path switch
        {
            "/.well-known/jwks.json" => new { keys = Kids(context.Request.Query["zone_id"]!).Select(kid => new { kid, kty = "EC", crv = "P-256", alg = "ES256", use = "sig", x = Base64Url.EncodeToString(Published.X.Span), y = Base64Url.EncodeToString(Published.Y.Span) }) },
            _ when path.StartsWith("/internal/keys/sample/", StringComparison.Ordinal) => new { sample = Sample(path.Split('/')[^1]) },
            "/internal/keys/selftest" => new { ok = ClosedZones.Count == 0, failed = ClosedZones },
            "/internal/selftest/refusal" => new { ok = RefusesForgery },
            "/internal/selftest/exchange" => Exchange(await IsBadAsync(context)),
            _ => new { revoked = KnowsRevocations, acknowledged = Acknowledges },
        });
    }
}
