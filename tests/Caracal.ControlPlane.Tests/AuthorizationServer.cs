using System.Collections.Concurrent;
using Caracal.TestKit;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Tests;

/// <summary>Somebody's authorization server, or any other place outside: answers what a test tells it to, whatever host is called.</summary>
internal sealed class AuthorizationServer : HttpsServer
{
    private HttpMessageInvoker? _client;

    public Func<HttpContext, Task> Answer { get; set; } = context => JsonAsync(context, 404, "{}");

    /// <summary>Every form it was sent, with the path and the <c>Authorization</c> header beside.</summary>
    public ConcurrentQueue<(string Path, string Authorization, Dictionary<string, string> Form)> Forms { get; } = new();

    /// <summary>Calls this server whatever host a URL names.</summary>
    public HttpMessageInvoker Client => _client ??= new HttpMessageInvoker(Handler, disposeHandler: false);

    public static async Task<AuthorizationServer> StartAsync()
    {
        var server = new AuthorizationServer();
        await server.RunAsync();
        return server;
    }

    public static Task JsonAsync(HttpContext context, int status, string json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json);
    }

    protected override async Task HandleAsync(HttpContext context)
    {
        if (context.Request.HasFormContentType)
        {
            var form = await context.Request.ReadFormAsync();
            Forms.Enqueue((context.Request.Path, context.Request.Headers.Authorization.ToString(), form.ToDictionary(field => field.Key, field => field.Value.ToString())));
        }

        await Answer(context);
    }
}
