using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Caracal.Cli.Client;

/// <summary>Addresses of the services a client talks to.</summary>
internal sealed record WireEndpoints(string Api, string Sts, string Coordinator, string Gateway)
{
    public static WireEndpoints From(IReadOnlyDictionary<string, string> urls) =>
        new(urls["api"], urls["sts"], urls["coordinator"], urls["gateway"]);
}

/// <summary>Plain HTTP calls, the way a client library of the v1.0 protocol makes them.</summary>
internal sealed class WireClient(WireEndpoints endpoints) : IDisposable
{
    private const string TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";

    private readonly HttpClient http = new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        UseCookies = false,
        ActivityHeadersPropagator = null,
    });

    public WireEndpoints Endpoints => endpoints;

    /// <summary>Sent with every call from now on: the trace that the calls belong to.</summary>
    public string? TraceParent { get; set; }

    public void Dispose() => http.Dispose();

    /// <summary>A call to the control plane.</summary>
    public Task<WireAnswer> ApiAsync(HttpMethod method, string path, string token, string? json, CancellationToken stop) =>
        JsonAsync(method, endpoints.Api + path, token, json, stop);

    /// <summary>A call to the Coordinator.</summary>
    public Task<WireAnswer> CoordinatorAsync(HttpMethod method, string path, string token, string? json, CancellationToken stop) =>
        JsonAsync(method, endpoints.Coordinator + path, token, json, stop);

    /// <summary>A token exchange at the STS.</summary>
    public Task<WireAnswer> ExchangeAsync(IEnumerable<KeyValuePair<string, string>> fields, CancellationToken stop)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, endpoints.Sts + "/oauth/2/token") { Content = ExchangeForm(fields) };
        return SendAsync(request, stop);
    }

    /// <summary>The body of a token exchange.</summary>
    public static FormUrlEncodedContent ExchangeForm(IEnumerable<KeyValuePair<string, string>> fields) =>
        new([new("grant_type", TokenExchange), .. fields]);

    /// <summary>A governed call through the Gateway.</summary>
    public Task<WireAnswer> GovernedAsync(HttpMethod method, string path, string mandate, string resource, CancellationToken stop)
    {
        var request = new HttpRequestMessage(method, endpoints.Gateway + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", mandate);
        request.Headers.Add("X-Caracal-Resource", resource);
        return SendAsync(request, stop);
    }

    private Task<WireAnswer> JsonAsync(HttpMethod method, string url, string token, string? json, CancellationToken stop)
    {
        var request = new HttpRequestMessage(method, url);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        return SendAsync(request, stop);
    }

    private async Task<WireAnswer> SendAsync(HttpRequestMessage request, CancellationToken stop)
    {
        using (request)
        {
            if (TraceParent is not null) request.Headers.Add("traceparent", TraceParent);
            using var answer = await http.SendAsync(request, stop);
            var text = await answer.Content.ReadAsStringAsync(stop);
            var id = answer.Headers.TryGetValues("X-Request-Id", out var ids) ? ids.First() : "";
            return new WireAnswer((int)answer.StatusCode, id, Parse(text), text);
        }
    }

    private static JsonElement Parse(string text)
    {
        if (text.Length == 0) return default;
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return default;
        }
    }
}
