using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Secrets;

namespace Caracal.Audit.Feeds;

/// <summary>The one HTTP client of feeds, witnesses and time-stamps. Not guarded: operators name the receivers, callers cannot.</summary>
internal sealed class FeedHttp : IDisposable
{
    private const int LargestAnswer = 1_000_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly HttpMessageInvoker _invoker = new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        },
        disposeHandler: true);

    /// <summary>Posts once; anything but a 2xx within ten seconds is a failure.</summary>
    public async Task PostAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        using var answer = await _invoker.SendAsync(request, limit.Token);
        if (!answer.IsSuccessStatusCode) throw new HttpRequestException($"the receiver answered {(int)answer.StatusCode}", null, answer.StatusCode);
    }

    /// <summary>Posts once and returns what was answered, whatever the status, as far as a megabyte.</summary>
    public async Task<(HttpStatusCode Status, byte[] Body)> AskAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        using var answer = await _invoker.SendAsync(request, limit.Token);
        await answer.Content.LoadIntoBufferAsync(LargestAnswer, limit.Token);
        return (answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(limit.Token));
    }

    public void Dispose() => _invoker.Dispose();
}

/// <summary>Posts OCSF lines, signed as every webhook of ours (audit.md 11).</summary>
internal sealed class WebhookFeed(Uri url, SecretText secret, FeedHttp http, TimeProvider time) : IFeedSink
{
    public string Name => "feed-webhook";

    public async Task SendAsync(IReadOnlyList<LedgerRow> rows, CancellationToken cancellationToken)
    {
        var body = string.Concat(rows.Select(row => FeedLines.Ocsf(row) + "\n"));
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/x-ndjson")) };
        request.Headers.Add("X-Caracal-Timestamp", timestamp);
        request.Headers.Add("X-Caracal-Signature", Sign(secret.Reveal(), timestamp, body));
        await http.PostAsync(request, cancellationToken);
    }

    internal static string Sign(string secret, string timestamp, string body) =>
        "v1=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{timestamp}.{body}")));
}

/// <summary>Posts OTLP/HTTP logs as JSON.</summary>
internal sealed class OtlpFeed(Uri url, FeedHttp http) : IFeedSink
{
    public string Name => "feed-otlp";

    public async Task SendAsync(IReadOnlyList<LedgerRow> rows, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer)) Write(writer, rows);
        using var content = new ByteArrayContent(buffer.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = content };
        await http.PostAsync(request, cancellationToken);
    }

    private static void Write(Utf8JsonWriter writer, IReadOnlyList<LedgerRow> rows)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("resourceLogs");
        writer.WriteStartObject();
        writer.WriteStartObject("resource");
        writer.WriteStartArray("attributes");
        Attribute(writer, "service.name", "caracal-audit");
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteStartArray("scopeLogs");
        writer.WriteStartObject();
        writer.WriteStartObject("scope");
        writer.WriteString("name", "caracal.audit");
        writer.WriteEndObject();
        writer.WriteStartArray("logRecords");
        foreach (var row in rows) Write(writer, row);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, LedgerRow row)
    {
        var (entry, deny) = (row.Entry, FeedLines.IsDeny(row));
        writer.WriteStartObject();
        writer.WriteString("timeUnixNano", Nanoseconds(entry.OccurredAt));
        writer.WriteString("observedTimeUnixNano", Nanoseconds(row.IngestedAt));
        writer.WriteNumber("severityNumber", deny ? 13 : 9);
        writer.WriteString("severityText", deny ? "WARN" : "INFO");
        writer.WriteString("eventName", entry.EventType);
        writer.WriteStartObject("body");
        writer.WriteString("stringValue", FeedLines.Ocsf(row));
        writer.WriteEndObject();
        writer.WriteStartArray("attributes");
        Attribute(writer, "caracal.event_id", entry.Id);
        Attribute(writer, "caracal.zone_id", entry.ZoneId);
        Attribute(writer, "caracal.request_id", entry.RequestId);
        Attribute(writer, "caracal.decision", entry.Decision);
        Attribute(writer, "caracal.evaluation_status", entry.EvaluationStatus);
        Attribute(writer, "caracal.chain_seq", row.ChainSeq.ToString(CultureInfo.InvariantCulture));
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Attribute(Utf8JsonWriter writer, string key, string value)
    {
        writer.WriteStartObject();
        writer.WriteString("key", key);
        writer.WriteStartObject("value");
        writer.WriteString("stringValue", value);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    // 64-bit numbers are strings in OTLP's JSON.
    private static string Nanoseconds(DateTimeOffset time) =>
        ((time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) * 100).ToString(CultureInfo.InvariantCulture);
}
