using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.EndToEnd;

/// <summary>An upstream that knows its keys: 200 with one of them, 401 with any other or none.</summary>
internal sealed class KeyedUpstream : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ConcurrentDictionary<string, long> _calls = new(StringComparer.Ordinal);

    private KeyedUpstream(WebApplication application, IEnumerable<string> keys)
    {
        _application = application;
        Keys = new ConcurrentDictionary<string, bool>(keys.Select(key => KeyValuePair.Create(key, true)), StringComparer.Ordinal);
    }

    /// <summary>What is accepted now.</summary>
    public ConcurrentDictionary<string, bool> Keys { get; }

    /// <summary>By name: an address of this machine is closed to the API whoever calls.</summary>
    public string Url { get; private set; } = "";

    public static async Task<KeyedUpstream> StartAsync(CancellationToken stop, params string[] keys)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "upstream" });
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var upstream = new KeyedUpstream(builder.Build(), keys);
        upstream._application.Run(upstream.AnswerAsync);
        await upstream._application.StartAsync(stop);
        var address = upstream._application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        upstream.Url = $"http://localhost:{new Uri(address).Port}";
        return upstream;
    }

    /// <summary>Calls that came with a key, accepted or not.</summary>
    public long CallsWith(string key) => _calls.GetValueOrDefault(key);

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private Task AnswerAsync(HttpContext context)
    {
        var key = context.Request.Headers["X-Api-Key"].ToString();
        _calls.AddOrUpdate(key, 1, (_, count) => count + 1);
        context.Response.StatusCode = Keys.ContainsKey(key) ? 200 : 401;
        return context.Response.WriteAsync("{}");
    }
}
