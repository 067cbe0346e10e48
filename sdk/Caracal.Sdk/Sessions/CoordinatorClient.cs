using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Caracal.Protocol;
using Caracal.Sdk.Events;

namespace Caracal.Sdk.Sessions;

/// <summary>One call to the Coordinator.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">Below the base address.</param>
/// <param name="Body">JSON; null for none.</param>
internal sealed record CoordinatorCall(HttpMethod Method, string Path, byte[]? Body = null)
{
    public string? IdempotencyKey { get; init; }

    /// <summary>True for a key the client made itself.</summary>
    public bool KeyIsGenerated { get; init; }

    /// <summary>Whose trace the call belongs to.</summary>
    public CaracalContext? Context { get; init; }
}

/// <summary>Speaks to the Coordinator (sdk.md 5): ten seconds a call, every answer that is no success an error with its code.</summary>
internal sealed class CoordinatorClient(CaracalOptions options, HttpMessageInvoker http, Telemetry telemetry)
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly string _base = options.CoordinatorUrl.TrimEnd('/');

    public static string Escape(string id) => Uri.EscapeDataString(id);

    public static byte[] Write<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    /// <summary>The answer's JSON.</summary>
    public async Task<T> ReadAsync<T>(CoordinatorCall call, string bearer, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        var body = await SendAsync(call, bearer, cancellationToken).ConfigureAwait(false);
        return SdkJson.TryRead(body, type)
            ?? throw new CoordinatorException(call.Method.Method, call.Path, 502, "invalid_answer", null, Encoding.UTF8.GetString(body));
    }

    public async Task<byte[]> SendAsync(CoordinatorCall call, string bearer, CancellationToken cancellationToken)
    {
        var begin = telemetry.Begin();
        using var activity = Telemetry.Activities.StartActivity("caracal.coordinator", ActivityKind.Client); // so that where spans are recorded each call is one
        activity?.SetTag("http.request.method", call.Method.Method);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            using var request = Request(call, bearer);
            using var response = await http.SendAsync(request, limit.Token).ConfigureAwait(false);
            var body = await response.Content.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false);
            var failure = response.IsSuccessStatusCode ? null : Failure(call, response, body);
            var replayed = response.Headers.TryGetValues(CaracalHeaders.IdempotencyReplayed, out var values) && values.Contains("true", StringComparer.OrdinalIgnoreCase);
            activity?.SetTag("http.response.status_code", (int)response.StatusCode);
            if (failure is not null) activity?.SetStatus(ActivityStatusCode.Error, failure.Code);
            Tell(call, begin, (int)response.StatusCode, replayed, failure?.Code, failure?.RequestId ?? Header(response, CaracalHeaders.RequestId));
            return failure is null ? body : throw failure;
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            activity?.SetStatus(ActivityStatusCode.Error, "coordinator_unreachable");
            Tell(call, begin, 0, replayed: false, "coordinator_unreachable", null);
            throw new CoordinatorException(call.Method.Method, call.Path, 0, "coordinator_unreachable", null, "", fault);
        }
    }

    private HttpRequestMessage Request(CoordinatorCall call, string bearer)
    {
        var request = new HttpRequestMessage(call.Method, _base + call.Path) { VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + bearer);
        if (call.Body is not null) request.Content = new ByteArrayContent(call.Body) { Headers = { ContentType = Json } };
        if (call.IdempotencyKey is not null)
        {
            request.Headers.Add(CaracalHeaders.IdempotencyKey, call.IdempotencyKey);
            if (call.KeyIsGenerated) request.Headers.Add(CaracalHeaders.IdempotencyKeyKind, "generated");
        }

        if (call.Context?.NewSpan() is var (parent, state))
        {
            request.Headers.TryAddWithoutValidation("traceparent", parent);
            if (state is not null) request.Headers.TryAddWithoutValidation("tracestate", state);
        }

        return request;
    }

    private CoordinatorException Failure(CoordinatorCall call, HttpResponseMessage response, byte[] body)
    {
        var error = SdkJson.TryRead(body, SdkJson.Default.ServiceError);
        var status = (int)response.StatusCode;
        return new CoordinatorException(
            call.Method.Method, call.Path, status, error?.Error ?? "http_" + status.ToString(CultureInfo.InvariantCulture),
            error?.RequestId ?? Header(response, CaracalHeaders.RequestId), Encoding.UTF8.GetString(body))
        {
            RetryAfter = response.Headers.RetryAfter is { } retry ? retry.Delta ?? (retry.Date - options.Time.GetUtcNow()) : null,
        };
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private void Tell(CoordinatorCall call, long begin, int status, bool replayed, string? code, string? requestId)
    {
        if (!telemetry.IsWanted) return;
        telemetry.Raise(new CoordinatorCallEvent(call.Method.Method, call.Path, status, status is >= 200 and < 300, telemetry.Since(begin), replayed, code, requestId));
    }
}
