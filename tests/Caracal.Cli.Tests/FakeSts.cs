using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.Cli.Tests;

/// <summary>An STS whose answers a test scripts; a real one would not give blocked names or wrong variables.</summary>
internal sealed class FakeSts : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly ConcurrentQueue<Call> calls = new();

    private FakeSts(WebApplication application) => this.application = application;

    public sealed record Call(string Path, IReadOnlyDictionary<string, string> Form, string? LaunchId);

    public string Url { get; private set; } = "";

    public string Manifest { get; set; } = "";

    public Func<IReadOnlyDictionary<string, string>, (int Status, string Body)> Credential { get; set; } =
        form => (200, $$"""{"env":"{{form["env"]}}","credential":"value-of-{{form["env"]}}","expires_at":1700000000}""");

    /// <summary>States an approval goes through, poll by poll; the last one stays. "503" is a failing poll.</summary>
    public Queue<string> Approval { get; } = new();

    public IReadOnlyList<Call> Calls => [.. calls];

    public static async Task<FakeSts> StartAsync(string manifest)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "sts" });
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var sts = new FakeSts(builder.Build()) { Manifest = manifest };
        sts.application.Run(sts.AnswerAsync);
        await sts.application.StartAsync();
        sts.Url = sts.application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return sts;
    }

    public static string Bindings(params string[] bindings) =>
        $$"""{"zone_id":"z1","workload_id":"wl1","bindings":[{{string.Join(',', bindings)}}]}""";

    public ValueTask DisposeAsync() => application.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var form = context.Request.HasFormContentType
            ? (await context.Request.ReadFormAsync()).ToDictionary(pair => pair.Key, pair => pair.Value.ToString())
            : [];
        calls.Enqueue(new Call(context.Request.Path, form, context.Request.Headers["X-Caracal-Launch-Id"]));
        var (status, body) = context.Request.Path.Value switch
        {
            "/v1/run/manifest" => (200, Manifest),
            "/v1/run/credential" => Credential(form),
            _ => Poll(),
        };
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(body);
    }

    private (int Status, string Body) Poll()
    {
        var state = Approval.Count > 1 ? Approval.Dequeue() : Approval.Peek();
        return state == "503" ? (503, "{}") : (200, $$"""{"id":"ap1","state":"{{state}}"}""");
    }
}
