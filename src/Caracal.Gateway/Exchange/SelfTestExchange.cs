using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Hosting.StsCalls;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Exchange;

/// <summary>
/// <c>POST /internal/selftest/exchange</c> (operations.md 6.1, V5): whether the STS takes this Gateway's signature, and with
/// <c>{"bad_key":true}</c> whether it refuses one of a key that nobody knows. With the metrics bearer; to others it is not there.
/// </summary>
internal sealed class SelfTestExchange(GatewaySettings settings, MetricsAccess access, TimeProvider time) : IDisposable
{
    private const int LargestBody = 4 * 1024;
    private static readonly Refusal NotFound = new(404, "not_found");
    private static readonly Refusal Invalid = new(400, "invalid_request", "the body is {\"bad_key\": true or false}");

    private readonly HttpMessageInvoker _http = StsHttp.Create(settings.Authorities);

    public void Dispose() => _http.Dispose();

    public async Task HandleAsync(HttpContext http)
    {
        // Where the STS is in this process, nothing is signed.
        if (!access.Allows(http.Request) || settings.StsUrl.Length == 0)
        {
            await ErrorBody.WriteAsync(http, NotFound);
            return;
        }

        if (await ReadAsync(http) is not { } badKey)
        {
            await ErrorBody.WriteAsync(http, Invalid);
            return;
        }

        var started = Stopwatch.GetTimestamp();
        var (status, sid) = await PingAsync(badKey ? Unknown() : settings.StsKeys, http.RequestAborted);
        var took = Stopwatch.GetElapsedTime(started);
        await ErrorBody.WriteJsonAsync(http.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok"u8, status == (badKey ? StatusCodes.Status401Unauthorized : StatusCodes.Status200OK));
            writer.WriteNumber("status"u8, status);
            if (sid is not null) writer.WriteString("matched_sid"u8, sid);
            writer.WriteNumber("ms"u8, (long)took.TotalMilliseconds);
            writer.WriteEndObject();
        });
    }

    private static HmacKeyRing Unknown() => HmacKeyRing.Of(KeyClass.GatewayStsHmac, RandomNumberGenerator.GetBytes(32));

    // No body asks for the good key.
    private static async Task<bool?> ReadAsync(HttpContext http)
    {
        var buffer = new byte[LargestBody + 1];
        var length = await http.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, http.RequestAborted);
        if (length == 0) return false;
        if (length > LargestBody) return null;
        try
        {
            using var body = JsonDocument.Parse(buffer.AsMemory(0, length));
            return body.RootElement.ValueKind != JsonValueKind.Object ? null
                : !body.RootElement.TryGetProperty("bad_key", out var bad) ? false
                : bad.ValueKind is JsonValueKind.True or JsonValueKind.False ? bad.GetBoolean()
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // Status 0: there was no answer.
    private async Task<(int Status, string? Sid)> PingAsync(HmacKeyRing? keys, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(settings.StsTimeout);
        var address = new Uri(settings.StsUrl.TrimEnd('/') + SignedStsCall.PingPath);
        using var message = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent([]) };
        if (keys is not null) SignedStsCall.Sign(message, keys, time.GetUtcNow(), address.AbsolutePath, []);
        try
        {
            using var answer = await _http.SendAsync(message, deadline.Token);
            return ((int)answer.StatusCode, answer.IsSuccessStatusCode ? SidIn(await answer.Content.ReadAsByteArrayAsync(deadline.Token)) : null);
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return (0, null);
        }
    }

    // Only the current key has an id that is told.
    private static string? SidIn(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("matched_sid", out var sid) ? sid.GetString() : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
