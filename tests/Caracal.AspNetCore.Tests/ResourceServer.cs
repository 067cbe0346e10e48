using System.Net;
using Caracal.Verifier;
using Caracal.Verifier.Revocations;
using Caracal.Verifier.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.AspNetCore.Tests;

/// <summary>A resource server on a real port, with an issuer at its HTTP port.</summary>
internal sealed class ResourceServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private ResourceServer(WebApplication application) => _application = application;

    public HttpClient Client { get; private set; } = null!;

    /// <summary>How often code behind the verification ran.</summary>
    public int Handled => Volatile.Read(ref _handled);

    private int _handled;

    public void Ran() => Interlocked.Increment(ref _handled);

    public static async Task<ResourceServer> StartAsync(
        JwksHandler issuer, IRevocationStore store, Action<WebApplication, ResourceServer> map,
        string zone = VectorV4.Zone, string audience = VectorV4.Audience, MandateRequirements? requirements = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddCaracalVerifier(new MandateVerifierOptions
        {
            Issuer = VectorV4.Issuer,
            Audience = audience,
            ZoneId = zone,
            Revocations = store,
            Requirements = requirements ?? new MandateRequirements(),
            Http = new HttpMessageInvoker(issuer, disposeHandler: false),
        });
        builder.Services.AddAuthentication(CaracalDefaults.AuthenticationScheme).AddCaracalMandates();
        builder.Services.AddAuthorization();
        var server = new ResourceServer(builder.Build());
        map(server._application, server);
        await server._application.StartAsync();
        var address = server._application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        server.Client = new HttpClient { BaseAddress = new Uri(address) };
        return server;
    }

    public async Task<HttpResponseMessage> GetAsync(string path, string? authorization, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Client.SendAsync(request);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _application.DisposeAsync();
    }
}
