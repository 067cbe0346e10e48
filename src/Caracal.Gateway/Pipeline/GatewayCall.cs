using System.Diagnostics;
using Caracal.Gateway.Admission;
using Caracal.Gateway.Forwarding;
using Caracal.Gateway.Mcp;
using Caracal.Gateway.Upstream;
using Caracal.Gateway.WebSockets;
using Caracal.Protocol;
using Caracal.Protocol.Exchange;
using Caracal.Protocol.Mandates;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Pipeline;

/// <summary>One proxied request on its way through the steps; each step fills in what the later ones need.</summary>
internal sealed class GatewayCall : IAsyncDisposable
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private CallLifetime? _lifetime;
    private string? _eventId;

    public GatewayCall(HttpContext http, RequestTarget target, string requestId, DateTimeOffset now)
    {
        Http = http;
        Target = target;
        RequestId = requestId;
        Now = now;
        WebSocket = WebSocketUpgrade.Of(http);
        Method = WebSocket is null ? http.Request.Method : HttpMethods.Get;
    }

    public HttpContext Http { get; }

    public string RequestId { get; }

    /// <summary>What the caller wants to do; a WebSocket over HTTP/2 is the GET that it is over HTTP/1.1.</summary>
    public string Method { get; }

    /// <summary>Set when the caller wants to speak WebSocket.</summary>
    public WebSocketUpgrade? WebSocket { get; }

    /// <summary>Database time at entry.</summary>
    public DateTimeOffset Now { get; }

    /// <summary>The raw request target.</summary>
    public RequestTarget Target { get; }

    /// <summary>Of the call's audit event, known before the event is: a receipt names it while the answer still runs.</summary>
    public string EventId => _eventId ??= Ids.New();

    /// <summary>The receipt of the recorded event, where receipts are given; null before.</summary>
    public string? Receipt { get; set; }

    /// <summary>Set by step 2. Never logged.</summary>
    public ReadOnlyMemory<char> Bearer { get; set; }

    /// <summary>Set by step 4; untrusted until step 11 has passed.</summary>
    public MandateToken? Token { get; set; }

    /// <summary>The mandate's claims; steps after 4 only.</summary>
    public MandateClaims Claims => Token!.Claims;

    /// <summary>Set by step 7.</summary>
    public string Resource { get; set; } = "";

    /// <summary>The decoded path, set by step 10: what the STS authorises and what goes upstream.</summary>
    public string Path { get; set; } = "";

    /// <summary>What an MCP message asks for, when headers and body say so (<see cref="CheckMcpMessage"/>); null for any other call.</summary>
    public string? McpOperation { get; set; }

    /// <summary>The body, where it had to be read before it may go upstream; null where it streams.</summary>
    public HeldBody? HeldBody { get; set; }

    /// <summary>True once step 11 found the key that the mandate names: its zone exists.</summary>
    public bool ZoneIsKnown { get; set; }

    /// <summary>True once step 11 has passed: the claims are what the STS wrote.</summary>
    public bool IsVerified { get; set; }

    /// <summary>How long the STS took; null before step 15.</summary>
    public TimeSpan? StsTook { get; set; }

    /// <summary>How long the upstream took to its headers; null before step 19.</summary>
    public TimeSpan? UpstreamTook { get; set; }

    /// <summary>Set by step 15, together with the success of the exchange.</summary>
    public ExchangeGrant? Grant { get; set; }

    /// <summary>Members of an approval hold that pass through, set by step 15.</summary>
    public ApprovalHold? Hold { get; set; }

    /// <summary>Set by step 16.</summary>
    public UpstreamTarget? Upstream { get; set; }

    /// <summary>Set by step 18.</summary>
    public HttpRequestMessage? Request { get; set; }

    /// <summary>The credential, where it went upstream in the query; set by step 18.</summary>
    public QueryCredential? QueryCredential { get; set; }

    /// <summary>The trace id that went upstream, set by step 18.</summary>
    public string? TraceId { get; set; }

    /// <summary>Delegations whose budgets this call has taken a use from; null when none carries one.</summary>
    public IReadOnlyList<string>? ReservedBudgets { get; set; }

    /// <summary>Set by step 19.</summary>
    public HttpResponseMessage? Answer { get; set; }

    /// <summary>Body bytes sent to the caller.</summary>
    public long ResponseBytes { get; set; }

    /// <summary>True when a revocation ended the answer early.</summary>
    public bool RevocationInterrupted { get; set; }

    /// <summary>An event that could not be kept leaves its id behind: somebody may have taken half of it.</summary>
    public void RenewEvent() => _eventId = null;

    /// <summary>Time since the request came in.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

    /// <summary>Ends with the caller's connection, and earlier when a deadline or a revocation says so.</summary>
    public CallLifetime Lifetime => _lifetime ??= new CallLifetime(Http.RequestAborted);

    public async ValueTask DisposeAsync()
    {
        Answer?.Dispose();
        if (Request?.Content is StreamedRequestBody body)
        {
            _lifetime?.Close();
            await body.SettledAsync();
        }

        Request?.Dispose();
        HeldBody?.Dispose();
        _lifetime?.Dispose();
    }
}
