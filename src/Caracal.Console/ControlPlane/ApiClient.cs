using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Caracal.Console.SignIn;
using Caracal.Hosting.StsCalls;
using Caracal.Keys.Certificates;

namespace Caracal.Console.ControlPlane;

/// <summary>Asks the API with the operator's own token; what it answers decides what is shown.</summary>
internal sealed class ApiClient : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private const int LongestAnswer = 8 * 1024 * 1024;

    private readonly HttpClient _http;
    private readonly string _url;

    public ApiClient(string url, ExtraAuthorities authorities)
    {
        _url = url;
        _http = new HttpClient(StsHttp.Handler(authorities)) { Timeout = Timeout, MaxResponseContentBufferSize = LongestAnswer };
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Null when the API accepts the token of this sign-in.</summary>
    public async Task<ApiProblem?> ProbeAsync(ConsoleSession session, CancellationToken cancellationToken) => session.ZoneId is { } zone
        ? (await GetAsync(session, $"/v1/zones/{Uri.EscapeDataString(zone)}", ApiShapes.Default.ZoneRow, cancellationToken)).Problem
        : (await GetAsync(session, "/v1/zones?limit=1", ApiShapes.Default.ListPageZoneRow, cancellationToken)).Problem;

    public async Task<ApiAnswer<T>> GetAsync<T>(ConsoleSession session, string path, JsonTypeInfo<T> shape, CancellationToken cancellationToken)
        where T : class
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _url + path);
        return await SendAsync(session, request, shape, cancellationToken);
    }

    /// <summary>Posts one JSON object.</summary>
    public async Task<ApiAnswer<T>> PostAsync<T>(
        ConsoleSession session, string path, Dictionary<string, JsonElement> body, JsonTypeInfo<T> shape, CancellationToken cancellationToken)
        where T : class
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _url + path)
        {
            Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, ApiShapes.Default.DictionaryStringJsonElement)),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await SendAsync(session, request, shape, cancellationToken);
    }

    /// <summary>True when the API is alive.</summary>
    public async Task<bool> IsAliveAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri(_url + "/health"), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception fault) when (IsUnreachable(fault, cancellationToken))
        {
            return false;
        }
    }

    private async Task<ApiAnswer<T>> SendAsync<T>(
        ConsoleSession session, HttpRequestMessage request, JsonTypeInfo<T> shape, CancellationToken cancellationToken)
        where T : class
    {
        // A token with a character that no header carries is nobody's.
        if (!request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + session.Token.Reveal())) return new(null, new ApiProblem(401, "invalid_admin_token"));
        try
        {
            using var answer = await _http.SendAsync(request, cancellationToken);
            var body = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
            if (answer.IsSuccessStatusCode) return new(JsonSerializer.Deserialize(body, shape), null);
            return new(null, new ApiProblem((int)answer.StatusCode, CodeOf(body)));
        }
        catch (JsonException)
        {
            return new(null, new ApiProblem(502, "api_answer_invalid"));
        }
        catch (Exception fault) when (IsUnreachable(fault, cancellationToken))
        {
            return new(null, ApiProblem.Unreachable);
        }
    }

    private static string CodeOf(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, ApiShapes.Default.ErrorRow)?.Error ?? "unknown_error";
        }
        catch (JsonException)
        {
            return "unknown_error";
        }
    }

    // A timeout is a cancellation that nobody asked for.
    private static bool IsUnreachable(Exception fault, CancellationToken asked) =>
        fault is HttpRequestException or IOException || (fault is OperationCanceledException && !asked.IsCancellationRequested);
}
