using System.Net;
using System.Security.Cryptography;
using Caracal.Admin;
using Caracal.Sdk;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Caracal.Samples;

/// <summary>The stack that <c>caracal up</c> started, and what a sample needs of it.</summary>
internal sealed class SampleStack : IDisposable
{
    private readonly AdminClient _admin;

    private SampleStack(AdminClient admin) => _admin = admin;

    public static string StsUrl => Variable("CARACAL_STS_URL") ?? "http://localhost:8080";

    public static string GatewayUrl => Variable("CARACAL_GATEWAY_URL") ?? "http://localhost:8081";

    public static string CoordinatorUrl => Variable("CARACAL_COORDINATOR_URL") ?? "http://localhost:4000";

    /// <summary>Addresses are the local ones unless the environment says otherwise; the token is the one that <c>caracal up</c> generated.</summary>
    public static SampleStack Find()
    {
        var home = Variable("CARACAL_HOME") ?? Path.Combine(Variable("XDG_DATA_HOME") ?? Path.Combine(Variable("HOME")!, ".local", "share"), "caracal");
        var token = Variable("CARACAL_ADMIN_TOKEN") ?? File.ReadAllText(Path.Combine(home, "dev-secrets", "caracalAdminToken")).Trim();
        return new SampleStack(new AdminClient(new AdminOptions { ApiUrl = Variable("CARACAL_API_URL") ?? "http://localhost:3000", AdminToken = token }));
    }

    /// <summary>The id of a sample's zone; made if it is not there.</summary>
    public async Task<string> ZoneAsync(string name) => (await _admin.EnsureZoneAsync("sample-" + name)).Id;

    /// <summary>A zone with one application and one resource; run again, it stays as it is.</summary>
    /// <param name="name">Of the zone.</param>
    /// <param name="upstream">Where the resource is.</param>
    /// <param name="scopes">What there is to be granted, to the role <c>agent</c> and to the application itself.</param>
    /// <param name="policy">Added to the grants.</param>
    public async Task<(ZoneAdmin Zone, CaracalOptions Options)> PrepareAsync(string name, string upstream, string[] scopes, string policy = "")
    {
        const string Resource = "resource://reports";
        var zone = _admin.In(await ZoneAsync(name));
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var application = await zone.EnsureApplicationAsync("assistant", secret);
        var provider = await zone.EnsureMandateProviderAsync("Mandates", "provider://mandates");
        await zone.EnsureResourceAsync(new ResourceSpec("Reports", Resource)
        {
            UpstreamUrl = upstream,
            Scopes = scopes,
            CredentialProviderId = provider,
            OperationEnforcement = "transport_uniform",
        });
        Grant[] grants = [new(application, Resource, scopes), new(application, Resource, scopes, "agent")];
        await zone.EnsureActivePolicySetAsync("grants", "main", GrantsDocument.Write(grants) + policy);
        return (zone, new CaracalOptions
        {
            ZoneId = zone.ZoneId,
            ApplicationId = application,
            ClientSecret = secret,
            StsUrl = StsUrl,
            CoordinatorUrl = CoordinatorUrl,
            GatewayUrl = GatewayUrl,
            Resources = [new ResourceBinding(Resource, "https://reports.example")],
        });
    }

    /// <summary>A web application on a free port of this machine, quiet.</summary>
    public static WebApplicationBuilder NewServer()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        return builder;
    }

    /// <summary>Starts it and returns its address.</summary>
    public static async Task<string> StartAsync(WebApplication server)
    {
        await server.StartAsync();
        return server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
    }

    public void Dispose() => _admin.Dispose();

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
