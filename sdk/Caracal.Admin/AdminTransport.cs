using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Caracal.Admin;

/// <summary>Calls with a bearer; reads are repeated when that is safe (sdk.md 9).</summary>
internal sealed partial class AdminTransport(HttpMessageInvoker http, string baseUrl, string token, AdminOptions options)
{
    private const int Reads = 4;
    private const int MostPages = 50;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly string _base = baseUrl.TrimEnd('/');

    public async Task<JsonElement> SendAsync(HttpMethod method, string path, JsonNode? body, CancellationToken cancellationToken)
    {
        var json = body?.ToJsonString();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await OnceAsync(method, path, json, cancellationToken).ConfigureAwait(false);
            }
            catch (AdminApiException fault) when (method == HttpMethod.Get && attempt < Reads && fault.Status is 0 or 408 or 425 or 429 or >= 500)
            {
                var pause = fault.Data["retry"] is TimeSpan asked ? asked
                    : TimeSpan.FromMilliseconds(Math.Min(Math.Pow(2, attempt - 1) * 250, 5000) * (0.5 + (Random.Shared.NextDouble() * 0.5)));
                await Task.Delay(pause < TimeSpan.Zero ? TimeSpan.Zero : pause, options.Time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Every item, page by page.</summary>
    public async Task<List<JsonElement>> ListAsync(string path, CancellationToken cancellationToken)
    {
        var items = new List<JsonElement>();
        string? cursor = null;
        for (var page = 0; page < MostPages; page++)
        {
            var query = cursor is null ? path : $"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}cursor={Uri.EscapeDataString(cursor)}";
            var body = await SendAsync(HttpMethod.Get, query, null, cancellationToken).ConfigureAwait(false);
            if (body.ValueKind == JsonValueKind.Array) return [.. body.EnumerateArray()];
            if (body.ValueKind != JsonValueKind.Object || !body.TryGetProperty("items", out var list) || list.ValueKind != JsonValueKind.Array)
            {
                throw new AdminApiException(502, "invalid_list", "GET " + path, "");
            }

            items.AddRange(list.EnumerateArray());
            cursor = body.TryGetProperty("next_cursor", out var next) && next.ValueKind == JsonValueKind.String ? next.GetString() : null;
            if (string.IsNullOrEmpty(cursor)) break;
        }

        return items;
    }

    private async Task<JsonElement> OnceAsync(HttpMethod method, string path, string? json, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        var target = $"{method} {path}";
        try
        {
            using var request = new HttpRequestMessage(method, _base + path);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            foreach (var (name, value) in options.Headers) request.Headers.TryAddWithoutValidation(name, value);
            if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
            using var response = await http.SendAsync(request, limit.Token).ConfigureAwait(false);
            var body = await response.Content.ReadAsStringAsync(limit.Token).ConfigureAwait(false);
            return response.IsSuccessStatusCode ? Parse(body) : throw Failure(response, target, body);
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new AdminApiException(0, "unreachable", target, "", fault);
        }
    }

    private AdminApiException Failure(HttpResponseMessage response, string target, string body)
    {
        var parsed = Parse(body);
        var code = parsed.ValueKind == JsonValueKind.Object && parsed.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.String
            ? error.GetString()!
            : response.ReasonPhrase ?? ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
        var redacted = Secrets().Replace(body.Length > 2048 ? body[..2048] : body, "***");
        var failure = new AdminApiException((int)response.StatusCode, code, target, redacted);
        if (response.Headers.RetryAfter is { } retry)
        {
            var asked = retry.Delta ?? (retry.Date - options.Time.GetUtcNow()) ?? TimeSpan.Zero;
            failure.Data["retry"] = asked > Limit ? Limit : asked;
        }

        return failure;
    }

    private static JsonElement Parse(string body)
    {
        if (body.Length == 0) return default;
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return default;
        }
    }

    [GeneratedRegex("""eyJ[A-Za-z0-9._-]+|(?:cs|ws|cat)_[A-Za-z0-9_-]{16,}|\b[0-9A-Fa-f]{64}\b|(?<="(?:client_secret|api_key|password|bearer_token|private_key)":")[^"]*""")]
    private static partial Regex Secrets();
}
