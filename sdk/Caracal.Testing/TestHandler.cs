using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;

namespace Caracal.Testing;

/// <summary>The wire of the test's STS and Coordinator.</summary>
internal sealed class TestHandler(TestSts sts) : HttpMessageHandler
{
    private readonly ConcurrentQueue<TestExchange> _exchanges = new();
    private int _ids;

    public IReadOnlyList<TestExchange> Exchanges => [.. _exchanges];

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        return (request.Method.Method, request.RequestUri!.AbsolutePath) switch
        {
            ("GET", "/.well-known/jwks.json") => Answer(200, sts.Jwks()),
            ("POST", "/oauth/2/token") => Exchange(Fields(body)),
            ("POST", var path) when path.EndsWith("/agents", StringComparison.Ordinal) => Answer(201, TestSts.Json(writer =>
            {
                writer.WriteString("agent_session_id", "session-" + Interlocked.Increment(ref _ids));
                writer.WriteNumber("lease_generation", 1);
                writer.WriteString("heartbeat_deadline_at", sts.Time.GetUtcNow().AddSeconds(60));
            })),
            ("POST", var path) when path.EndsWith("/delegations", StringComparison.Ordinal) => Answer(201, TestSts.Json(writer =>
            {
                writer.WriteString("delegation_edge_id", "delegation-" + Interlocked.Increment(ref _ids));
                writer.WriteString("expires_at", sts.Time.GetUtcNow().AddMinutes(15));
            })),
            ("POST", var path) when path.EndsWith("/heartbeat", StringComparison.Ordinal) => Answer(200, TestSts.Json(writer =>
            {
                writer.WriteStartObject("agent");
                writer.WriteString("status", "active");
                writer.WriteString("heartbeat_deadline_at", sts.Time.GetUtcNow().AddSeconds(60));
                writer.WriteNumber("lease_generation", 1);
                writer.WriteEndObject();
            })),
            ("DELETE", _) => new HttpResponseMessage(HttpStatusCode.NoContent),
            ("PATCH", _) => Answer(200, TestSts.Json(_ => { })),
            _ => Answer(404, TestSts.Json(writer => writer.WriteString("error", "not_found"))),
        };
    }

    private HttpResponseMessage Exchange(ILookup<string, string> form)
    {
        var exchange = new TestExchange(
            [.. form["resource"]], [.. form["scope"].SelectMany(scope => scope.Split(' '))],
            form["agent_session_id"].FirstOrDefault(), form["delegation_edge_id"].FirstOrDefault(), form["approval_id"].FirstOrDefault());
        _exchanges.Enqueue(exchange);
        if (sts.Refuse(exchange) is var (code, description))
        {
            return Answer(403, TestSts.Json(writer =>
            {
                writer.WriteString("error", code);
                writer.WriteString("error_description", description);
            }));
        }

        var token = sts.Mint(new TestMandate(exchange.Resources is [var first, ..] ? first : "")
        {
            Scopes = exchange.Scopes,
            Use = exchange.DelegationId is null ? "session" : "gateway",
            SessionId = exchange.SessionId,
            DelegationId = exchange.DelegationId,
        });
        return Answer(200, TestSts.Json(writer =>
        {
            writer.WriteString("access_token", token);
            writer.WriteString("token_type", "Bearer");
            writer.WriteNumber("expires_in", 900);
        }));
    }

    private static ILookup<string, string> Fields(string form) => form.Split('&', StringSplitOptions.RemoveEmptyEntries)
        .Select(pair => pair.Split('=', 2))
        .ToLookup(pair => pair[0], pair => Uri.UnescapeDataString(pair.Length > 1 ? pair[1].Replace('+', ' ') : ""), StringComparer.Ordinal);

    private static HttpResponseMessage Answer(int status, byte[] body) => new((HttpStatusCode)status)
    {
        Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
    };
}
