using Caracal.Sdk;
using ModelContextProtocol.Client;

namespace Caracal.Mcp;

/// <summary>How an agent reaches an MCP server through the Gateway.</summary>
public static class CaracalMcpClient
{
    /// <summary>A transport whose every message carries a mandate of its own; the application acts for itself.</summary>
    /// <param name="client">The application's client.</param>
    /// <param name="resource">The MCP server's resource.</param>
    /// <param name="path">Where the server listens, below the resource's upstream.</param>
    /// <param name="scopes">What may be asked for.</param>
    public static HttpClientTransport CreateMcpTransport(this CaracalClient client, string resource, string path, params string[] scopes) =>
        Transport(client, resource, path, client.CreateApplicationHandler(resource, new ApplicationTransportOptions { Scopes = scopes }));

    /// <summary>The same for the Session that is bound when a message is sent.</summary>
    public static HttpClientTransport CreateMcpSessionTransport(this CaracalClient client, string resource, string path, params string[] scopes) =>
        Transport(client, resource, path, client.CreateHandler(new TransportOptions { Resource = resource, Scopes = scopes }));

    private static HttpClientTransport Transport(CaracalClient client, string resource, string path, HttpMessageHandler handler) => new(
        new HttpClientTransportOptions { Endpoint = client.GatewayRequest(resource, path).Url, Name = resource, TransportMode = HttpTransportMode.StreamableHttp },
        new HttpClient(new McpMessageHeaders(handler)),
        loggerFactory: null,
        ownsHttpClient: true);
}
