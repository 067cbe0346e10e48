using System.Buffers;
using Caracal.Gateway.Pipeline;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Caracal.Gateway.Mcp;

/// <summary>
/// Before step 12: a call that says in its headers which MCP method and tool it wants must say the same in its body. The
/// body is held for that, so what was read is what goes upstream. Whether the tool is allowed, the exchange decides.
/// </summary>
internal sealed class CheckMcpMessage(int maximumBytes) : IGatewayStep
{
    private const string MethodHeader = "Mcp-Method";
    private const string NameHeader = "Mcp-Name";

    public ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        var headers = call.Http.Request.Headers;
        return headers.TryGetValue(MethodHeader, out var method) | headers.TryGetValue(NameHeader, out var name) ? CompareAsync(call, method, name) : new(Verdict.Pass);
    }

    private async ValueTask<Verdict> CompareAsync(GatewayCall call, StringValues method, StringValues name)
    {
        var request = call.Http.Request;
        if (!HttpMethods.IsPost(call.Method) || !IsPlainJson(request) || method.Count != 1 || name.Count > 1) return Refuse(GatewayErrors.McpMessageInvalid);
        if (await ReadAsync(request, call.Lifetime.Token) is not { } body) return Refuse(GatewayErrors.BodyTooLarge);
        if (McpMessage.TryRead(body) is not { } message) return Refuse(GatewayErrors.McpMessageInvalid);
        var said = name.Count == 1 ? McpMessage.Unwrap(name[0]!) : null;
        if (method[0] != message.Method || said != message.Name || (name.Count == 1 && said is null)) return Refuse(GatewayErrors.McpHeaderMismatch);
        call.McpOperation = message.Operation;
        call.HeldBody = body;
        return Verdict.Pass;
    }

    // Compressed or in another encoding, the upstream would read something that was not read here.
    private static bool IsPlainJson(HttpRequest request) =>
        request.Headers.ContentEncoding.Count == 0
        && MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    private async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > maximumBytes) return null;
        var held = new ArrayBufferWriter<byte>((int)(request.ContentLength ?? 4096) + 1);
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(cancellationToken);
            if (held.WrittenCount + read.Buffer.Length > maximumBytes) return null;
            foreach (var part in read.Buffer) held.Write(part.Span);
            request.BodyReader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) return held.WrittenMemory;
        }
    }

    private static Verdict Refuse(Protocol.Refusal refusal) => Verdict.Refuse(refusal, GatewayCounter.None);
}
