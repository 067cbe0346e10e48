using System.Net;
using Caracal.Cli.CommandLine;
using Caracal.Sdk;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.Cli.Run.CredentialFree;

/// <summary>
/// The only thing a credential-free child is given: a proxy on loopback that lives in the launcher, serves its
/// descendants, mints for every request and ends with the run.
/// </summary>
internal sealed class RunProxy : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly CaracalClient client;
    private readonly IReadOnlyList<ProxyResource> resources;
    private readonly Dictionary<string, HttpMessageInvoker> senders;
    private readonly ProxyApprovals approvals;

    private RunProxy(WebApplication application, CaracalClient client, IReadOnlyList<ProxyResource> resources, Terminal terminal)
    {
        this.application = application;
        this.client = client;
        this.resources = resources;
        approvals = new ProxyApprovals(client, terminal);
        senders = resources.ToDictionary(
            resource => resource.Slug,
            resource => new HttpMessageInvoker(client.CreateApplicationHandler(resource.Binding.ResourceId, new ApplicationTransportOptions { Scopes = resource.Scopes })));
    }

    public string Url { get; private set; } = "";

    public static async Task<RunProxy> StartAsync(CaracalClient client, IReadOnlyList<ProxyResource> resources, Terminal terminal, CancellationToken stop)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "run" });
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.AllowHostHeaderOverride = true; // of a request to a proxy the address in the request line counts
            kestrel.Limits.MaxRequestBodySize = null; // the Gateway's limit counts
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Use(next => connection => AdmitAsync(connection, next)));
        });
        var proxy = new RunProxy(builder.Build(), client, resources, terminal);
        proxy.application.Run(proxy.AnswerAsync);
        await proxy.application.StartAsync(stop);
        proxy.Url = proxy.application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return proxy;
    }

    /// <summary>Where the child finds each resource; addresses, nothing that opens them.</summary>
    public void Describe(Dictionary<string, string> child)
    {
        foreach (var name in (string[])["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"]) child[name] = Url;
        foreach (var name in (string[])["NO_PROXY", "no_proxy"]) child[name] = "127.0.0.1,localhost,::1";
        foreach (var resource in resources) child[resource.Variable] = $"{Url}/{resource.Slug}";
    }

    /// <summary>Closes the door at once, then ends the run's Sessions.</summary>
    public async ValueTask DisposeAsync()
    {
        await application.StopAsync(new CancellationToken(canceled: true));
        await application.DisposeAsync();
        foreach (var sender in senders.Values) sender.Dispose();
        await client.DisposeAsync();
    }

    private static async Task AdmitAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (connection.RemoteEndPoint is IPEndPoint peer && connection.LocalEndPoint is IPEndPoint local && RunPeers.IsOfThisRun(peer, local)) await next(connection);
        else connection.Abort();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        if (HttpMethods.IsConnect(context.Request.Method))
        {
            await ProxyAnswer.RefuseAsync(context, 403, "tls_not_opened", "a TLS tunnel cannot be governed; use the resource's base address, or http:// through this proxy");
            return;
        }

        if (ProxyTarget.Find(target, resources) is not var (resource, path))
        {
            await ProxyAnswer.RefuseAsync(context, 403, "resource_not_bound", "this run has no authority for that address");
            return;
        }

        try
        {
            using var request = ProxyAnswer.Request(context, client.GatewayRequest(resource.Binding.ResourceId, path).Url);
            using var answer = await approvals.SendAsync(senders[resource.Slug], request, resource, context.RequestAborted);
            await ProxyAnswer.RelayAsync(context, answer);
        }
        catch (ArgumentException)
        {
            await ProxyAnswer.RefuseAsync(context, 400, "invalid_path", "the path has dot segments or names another place");
        }
        catch (CaracalException refused)
        {
            await ProxyAnswer.RefuseAsync(context, refused.HttpStatus is >= 400 and < 600 ? refused.HttpStatus : 502, refused.Code, refused.Message);
        }
        catch (HttpRequestException)
        {
            await ProxyAnswer.RefuseAsync(context, 502, "gateway_unreachable", "the Gateway cannot be reached");
        }
    }
}
