using System.Text;
using System.Text.Json;

namespace Caracal.Mcp;

/// <summary>Says in <c>Mcp-Method</c> and <c>Mcp-Name</c> what a message asks for, so that the Gateway can hold the tool against the mandate.</summary>
internal sealed class McpMessageHeaders(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Method == HttpMethod.Post && request.Content is { } content && !request.Headers.Contains("Mcp-Method"))
        {
            Describe(request, await content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
        }

        return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
    }

    private static void Describe(HttpRequestMessage request, byte[] body)
    {
        using var message = JsonDocument.Parse(body);
        if (message.RootElement.ValueKind != JsonValueKind.Object || !message.RootElement.TryGetProperty("method", out var method)) return;
        request.Headers.TryAddWithoutValidation("Mcp-Method", method.GetString());
        var naming = method.GetString() switch
        {
            "tools/call" or "prompts/get" => "name",
            "resources/read" or "resources/subscribe" or "resources/unsubscribe" => "uri",
            _ => null,
        };
        if (naming is null || !message.RootElement.TryGetProperty("params", out var parameters) || !parameters.TryGetProperty(naming, out var name)) return;
        request.Headers.TryAddWithoutValidation("Mcp-Name", Wrapped(name.GetString()!));
    }

    // A header holds visible ASCII; anything else travels as base64.
    private static string Wrapped(string name) =>
        name.All(letter => letter is > ' ' and <= '~') && !name.StartsWith("=?base64?", StringComparison.Ordinal)
            ? name
            : $"=?base64?{Convert.ToBase64String(Encoding.UTF8.GetBytes(name))}?=";
}
