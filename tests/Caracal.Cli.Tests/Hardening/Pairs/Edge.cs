using System.Net;
using Caracal.Stack;

namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>What an edge makes of one answer; null leaves out what it does not change.</summary>
internal sealed record EdgeAnswer(int Status, string Body, DateTimeOffset? Date = null);

/// <summary>
/// An edge in front of a running service: it passes everything on, announces its rate limit, and changes the answers that a
/// test names. So a deployment has exactly one fault that a real service would not have by itself.
/// </summary>
internal sealed class Edge : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false });
    private readonly Uri _service;
    private readonly Func<HttpListenerRequest, EdgeAnswer, EdgeAnswer>? _change;
    private readonly bool _announces;
    private readonly Task _serving;

    /// <param name="service">Where the real one is.</param>
    /// <param name="change">Sees a request and the service's answer, and says what the caller gets.</param>
    /// <param name="announces">Whether answers carry a RateLimit header.</param>
    public Edge(string service, Func<HttpListenerRequest, EdgeAnswer, EdgeAnswer>? change = null, bool announces = true)
    {
        _service = new Uri(service);
        _change = change;
        _announces = announces;
        Url = $"http://127.0.0.1:{FreePorts.Take(1)[0]}";
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Url { get; }

    public void Dispose()
    {
        _listener.Stop();
        _serving.Wait(TimeSpan.FromSeconds(5));
        _listener.Close();
        _client.Dispose();
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                _ = Task.Run(() => AnswerAsync(context));
            }
            catch (Exception fault) when (fault is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var answer = await PassAsync(context.Request);
        if (_change is not null) answer = _change(context.Request, answer);
        var body = System.Text.Encoding.UTF8.GetBytes(answer.Body);
        context.Response.StatusCode = answer.Status;
        if (_announces) context.Response.AddHeader("RateLimit", "\"default\";r=599;t=60");
        if (answer.Date is { } date) context.Response.AddHeader("Date", date.ToString("R", System.Globalization.CultureInfo.InvariantCulture));
        context.Response.ContentLength64 = body.Length;
        await context.Response.OutputStream.WriteAsync(body);
        context.Response.Close();
    }

    // The path goes on as it came: a probe with encoded dots must reach the service with them.
    private async Task<EdgeAnswer> PassAsync(HttpListenerRequest from)
    {
        var target = new Uri(_service.GetLeftPart(UriPartial.Authority) + from.RawUrl, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var request = new HttpRequestMessage(new HttpMethod(from.HttpMethod), target);
        foreach (var name in from.Headers.AllKeys.Where(name => name is "Authorization" or "User-Agent" || name!.StartsWith("X-Caracal-", StringComparison.OrdinalIgnoreCase)))
        {
            request.Headers.TryAddWithoutValidation(name!, from.Headers[name]);
        }

        if (from.HasEntityBody)
        {
            using var body = new MemoryStream();
            await from.InputStream.CopyToAsync(body);
            request.Content = new ByteArrayContent(body.ToArray());
            request.Content.Headers.TryAddWithoutValidation("Content-Type", from.ContentType);
        }

        using var answer = await _client.SendAsync(request);
        return new EdgeAnswer((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer.Headers.Date);
    }
}
