using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace Caracal.Sdk.Tests.Support;

/// <summary>One request the client made.</summary>
public sealed record Sent(string Method, string Path, string Body, IReadOnlyDictionary<string, string> Headers);

/// <summary>An STS, Coordinator and Gateway whose answers a test scripts, at the client's HTTP port.</summary>
public sealed class ScriptedServices : HttpMessageHandler
{
    private readonly ConcurrentQueue<Sent> _sent = new();
    private int _tokens;

    /// <summary>Answers first; null passes on to the ordinary answers.</summary>
    public Func<Sent, HttpResponseMessage?> Answer { get; set; } = _ => null;

    public IReadOnlyList<Sent> All => [.. _sent];

    public IReadOnlyList<Sent> To(string method, string suffix) =>
        [.. _sent.Where(sent => sent.Method == method && sent.Path.EndsWith(suffix, StringComparison.Ordinal))];

    public CaracalOptions Options => new()
    {
        ZoneId = "z1",
        ApplicationId = "app1",
        ClientSecret = "cs_secret",
        StsUrl = "https://sts.test",
        CoordinatorUrl = "https://coordinator.test",
        GatewayUrl = "https://gateway.test/base",
        Resources = ["resource://a", new ResourceBinding("resource://b", "https://b.test/v1")],
        Http = this,
    };

    public static HttpResponseMessage Json(int status, string body) =>
        new((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        var sent = new Sent(
            request.Method.Method, request.RequestUri!.AbsolutePath, body,
            request.Headers.ToDictionary(header => header.Key, header => string.Join(",", header.Value), StringComparer.OrdinalIgnoreCase));
        _sent.Enqueue(sent);
        var answer = Answer(sent) ?? Ordinary(sent);
        answer.RequestMessage = request;
        return answer;
    }

    private HttpResponseMessage Ordinary(Sent sent) => (sent.Method, sent.Path) switch
    {
        ("POST", "/oauth/2/token") => Json(200, $$"""{"access_token":"token-{{Interlocked.Increment(ref _tokens)}}","token_type":"Bearer","expires_in":900}"""),
        ("POST", "/zones/z1/agents") => Json(201, sent.Body.Contains("\"service\"", StringComparison.Ordinal)
            ? $$"""{"agent_session_id":"s-service","lease_generation":1,"heartbeat_deadline_at":"{{DateTimeOffset.UtcNow.AddSeconds(30):O}}"}"""
            : $$"""{"agent_session_id":"s-{{To("POST", "/agents").Count}}","lease_generation":0}"""),
        ("POST", "/zones/z1/delegations") => Json(201, """{"delegation_edge_id":"edge-1","scopes":["read"],"expires_at":"2030-01-01T00:00:00Z"}"""),
        ("DELETE", _) => new HttpResponseMessage(HttpStatusCode.NoContent),
        _ => Json(200, "{}"),
    };
}

/// <summary>The end of a transport: remembers what would have left.</summary>
public sealed class LastStop(HttpStatusCode status = HttpStatusCode.OK) : HttpMessageHandler
{
    public List<HttpRequestMessage> Requests { get; } = [];

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        lock (Requests) Requests.Add(request);
        var answer = new HttpResponseMessage(status) { RequestMessage = request };
        if (status == HttpStatusCode.Redirect) answer.Headers.Location = new Uri("https://elsewhere.test/");
        return Task.FromResult(answer);
    }
}
