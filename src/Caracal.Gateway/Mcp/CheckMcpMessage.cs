using Caracal.Gateway.Pipeline;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Caracal.Gateway.Mcp;

/// <summary>
/// Before step 12: a call that says in its headers which MCP method and tool it wants must say the same in its body. The
/// body is held for that, so what was read is what goes upstream. Whether the tool is allowed, the exchange decides.
/// </summary>
/// <param name="settings">The bounds of a message, of all that are held, and the time a body has to arrive.</param>
internal sealed class CheckMcpMessage(GatewaySettings settings) : IGatewayStep
{
    private const string MethodHeader = "Mcp-Method";
    private const string NameHeader = "Mcp-Name";

    // Two of the longest fit, because a body that grows counts twice for a moment.
    private readonly HeldBodyBudget _budget = new(Math.Max(settings.MaxHeldMcpBytes, 2L * settings.MaxMcpMessageBytes));

    public ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        var headers = call.Http.Request.Headers;
        return headers.TryGetValue(MethodHeader, out var method) | headers.TryGetValue(NameHeader, out var name) ? CompareAsync(call, method, name) : new(Verdict.Pass);
    }

    private async ValueTask<Verdict> CompareAsync(GatewayCall call, StringValues method, StringValues name)
    {
        var request = call.Http.Request;
        if (!HttpMethods.IsPost(call.Method) || !IsPlainJson(request) || method.Count != 1 || name.Count > 1) return Refuse(GatewayErrors.McpMessageInvalid);
        if (request.ContentLength > settings.MaxMcpMessageBytes) return Refuse(GatewayErrors.BodyTooLarge);
        var body = call.HeldBody = new HeldBody(_budget, settings.MaxMcpMessageBytes);
        if (await ReadAsync(call, body) is { } refusal)
        {
            body.Dispose();
            return Refuse(refusal);
        }

        if (McpMessage.TryRead(body.Memory) is not { } message) return Refuse(GatewayErrors.McpMessageInvalid);
        var said = name.Count == 1 ? McpMessage.Unwrap(name[0]!) : null;
        if (method[0] != message.Method || said != message.Name || (name.Count == 1 && said is null)) return Refuse(GatewayErrors.McpHeaderMismatch);
        call.McpOperation = message.Operation;
        return Verdict.Pass;
    }

    // Compressed or in another encoding, the upstream would read something that was not read here.
    private static bool IsPlainJson(HttpRequest request) =>
        request.Headers.ContentEncoding.Count == 0
        && MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    // The mandate is not spent yet, so a caller could hold as many of these as it likes: time and memory are bounded here.
    private async ValueTask<Protocol.Refusal?> ReadAsync(GatewayCall call, HeldBody body)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(call.Lifetime.Token);
        deadline.CancelAfter(settings.ReadTimeout);
        var reader = call.Http.Request.BodyReader;
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync(deadline.Token);
                if (!body.HasRoomFor(read.Buffer.Length)) return GatewayErrors.BodyTooLarge;
                if (!body.TryAppend(read.Buffer)) return Abandon(call, GatewayErrors.McpMessagesFull);
                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted) return null;
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !call.Lifetime.Token.IsCancellationRequested)
        {
            return Abandon(call, GatewayErrors.McpBodyLate);
        }
    }

    // Otherwise the server would go on reading what is left of the body.
    private static Protocol.Refusal Abandon(GatewayCall call, Protocol.Refusal refusal)
    {
        if (HttpProtocol.IsHttp11(call.Http.Request.Protocol)) call.Http.Response.Headers.Connection = "close";
        return refusal;
    }

    private static Verdict Refuse(Protocol.Refusal refusal) => Verdict.Refuse(refusal, GatewayCounter.None);
}
