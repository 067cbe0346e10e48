using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Caracal.Audit.Feeds;
using Caracal.Evidence.Ledger;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Secrets;
using Caracal.Storage.Ledger;
using Caracal.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests;

public sealed class FeedTests : IDisposable
{
    private const string Secret = "nsk_000102030405060708090a0b0c0d0e0f1011121314151617";

    private readonly string folder = Directory.CreateTempSubdirectory("caracal-feed-").FullName;

    private string File => Path.Combine(folder, "events.jsonl");

    [Fact]
    public void The_vector_of_a_webhooks_signature_holds() => Assert.Equal(
        "v1=7dffaeebd762543eee5b818b14004f0973fd73e8ff61ab42848af664ed19411d",
        WebhookFeed.Sign(Secret, "1783850400", """{"id":"e1","type":"step_up_issued","zone_id":"z1","decision":"pending","occurred_at":"2026-07-12T10:00:00.000Z","data":{}}"""));

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_file_gets_every_event_once_in_the_order_of_its_chain(Engine engine)
    {
        await using var audit = await LedgerAsync(engine, 1200);
        await FeedAsync(audit, new FileFeed(File, FeedFormat.Ocsf));
        await FeedAsync(audit, new FileFeed(File, FeedFormat.Ocsf));
        await audit.ShipAsync(Vectors.Event("more"));
        await FeedAsync(audit, new FileFeed(File, FeedFormat.Ocsf));

        var lines = (await System.IO.File.ReadAllLinesAsync(File)).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(1202, lines.Count);
        Assert.Equal(Enumerable.Range(1, 1201).Select(seq => (long)seq), lines.Where(line => Unmapped(line, "zone_id") == "z1").Select(line => line.GetProperty("metadata").GetProperty("sequence").GetInt64()));
        Assert.Equal((6003, 1, 2), (lines[0].GetProperty("class_uid").GetInt32(), lines[0].GetProperty("activity_id").GetInt32(), lines[2].GetProperty("activity_id").GetInt32()));
    }

    [Fact]
    public async Task A_line_that_was_left_half_is_ended_and_the_batch_comes_again()
    {
        await using var audit = await LedgerAsync(Engine.Sqlite, 3);
        await System.IO.File.WriteAllTextAsync(File, "{\"half\":");
        await FeedAsync(audit, new FileFeed(File, FeedFormat.Ocsf));

        var lines = await System.IO.File.ReadAllLinesAsync(File);
        Assert.Equal(5, lines.Length);
        Assert.All(lines.Skip(1), line => JsonDocument.Parse(line));
    }

    [Theory]
    [InlineData("a|b\\c\nd", "a\\|b\\\\c d")]
    public void A_field_of_CEF_cannot_begin_another_one(string type, string header)
    {
        var entry = new LedgerEntry { Id = "e=1\r\nCEF:0|x", ZoneId = "z\\1", EventType = type, Decision = "deny", OccurredAt = DateTimeOffset.UnixEpoch };
        var line = FeedLines.Cef(LedgerHash.Link(entry, ChainHead.Empty, null, DateTimeOffset.UnixEpoch));

        Assert.StartsWith($"CEF:0|Caracal|caracal|1|{header}|{header} deny|6|rt=0 ", line, StringComparison.Ordinal);
        Assert.Contains("externalId=e\\=1\\nCEF:0|x ", line, StringComparison.Ordinal);
        Assert.Contains("cs1=z\\\\1 ", line, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', line);
    }

    [Fact]
    public async Task A_webhook_that_fails_gets_the_same_events_again_and_no_event_is_left_out()
    {
        await using var audit = await LedgerAsync(Engine.Sqlite, 1200);
        var told = new List<string>();
        var calls = 0;
        await using var receiver = await Receiver.StartAsync(async context =>
        {
            var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
            Assert.Equal(WebhookFeed.Sign(Secret, context.Request.Headers["X-Caracal-Timestamp"]!, body), context.Request.Headers["X-Caracal-Signature"]);
            context.Response.StatusCode = ++calls % 2 == 1 ? 500 : 204;
            if (context.Response.StatusCode == 204) told.AddRange(body.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        });
        using var http = new FeedHttp();
        for (var run = 0; run < 20 && (await new FeedStore(audit.Database).BehindAsync("feed-webhook", default)).Count > 0; run++)
        {
            await FeedAsync(audit, new WebhookFeed(receiver.Address, new SecretText(Secret), http, TimeProvider.System));
        }

        Assert.Equal(1201, told.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("metadata").GetProperty("uid").GetString()).Distinct().Count());
        Assert.Contains("feed_failed", audit.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, audit.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OTLP_gets_log_records()
    {
        await using var audit = await LedgerAsync(Engine.Sqlite, 3);
        JsonElement? body = null;
        await using var receiver = await Receiver.StartAsync(async context =>
        {
            Assert.Equal("application/json", context.Request.ContentType);
            body ??= (await JsonDocument.ParseAsync(context.Request.Body)).RootElement;
        });
        using var http = new FeedHttp();
        await FeedAsync(audit, new OtlpFeed(receiver.Address, http));

        var records = body!.Value.GetProperty("resourceLogs")[0].GetProperty("scopeLogs")[0].GetProperty("logRecords").EnumerateArray().ToList();
        Assert.Equal(3, records.Count);
        Assert.Equal(("1783850400000000000", "token_exchange", 13), (records[2].GetProperty("timeUnixNano").GetString(), records[2].GetProperty("eventName").GetString(), records[2].GetProperty("severityNumber").GetInt32()));
    }

    [Fact]
    public async Task Syslog_gets_counted_frames()
    {
        await using var audit = await LedgerAsync(Engine.Sqlite, 3);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var reading = ReadAllAsync(listener, 2);
        await FeedAsync(audit, new SyslogFeed(("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port), FeedFormat.Cef));

        var rest = await reading;
        var messages = new List<string>();
        while (rest.Length > 0)
        {
            var space = rest.IndexOf(' ', StringComparison.Ordinal);
            var length = int.Parse(rest[..space], CultureInfo.InvariantCulture);
            messages.Add(rest.Substring(space + 1, length));
            rest = rest[(space + 1 + length)..];
        }

        Assert.Equal(4, messages.Count);
        Assert.StartsWith("<108>1 2026-07-12T10:00:00.000000Z ", messages[2], StringComparison.Ordinal);
        Assert.Contains(" caracal - audit - CEF:0|", messages[2], StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static async Task<string> ReadAllAsync(TcpListener listener, int connections)
    {
        var text = new StringBuilder();
        for (var i = 0; i < connections; i++)
        {
            using var client = await listener.AcceptTcpClientAsync();
            text.Append(await new StreamReader(client.GetStream(), Encoding.ASCII).ReadToEndAsync());
        }

        return text.ToString();
    }

    private static string? Unmapped(JsonElement line, string name) => line.GetProperty("unmapped").GetProperty(name).GetString();

    private static Task FeedAsync(AuditHarness audit, IFeedSink sink) =>
        new LedgerFeed(sink, audit.Database, new AuditMetrics(new MetricsRegistry()), audit.Clock, audit.Logging.CreateLogger("audit")).RunAsync(default);

    private static async Task<AuditHarness> LedgerAsync(Engine engine, int events)
    {
        var audit = await AuditHarness.CreateAsync(engine);
        await audit.Clock.MeasureAsync(default);
        await audit.ShipAsync([.. Enumerable.Range(1, events).Select(i => Vectors.Event($"e{i}", decision: i == 3 ? "deny" : "allow")), Vectors.Event("other", "z2")]);
        return audit;
    }

    /// <summary>A receiver on a real port.</summary>
    private sealed class Receiver(WebApplication application) : IAsyncDisposable
    {
        public Uri Address => new(application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

        public static async Task<Receiver> StartAsync(RequestDelegate handle)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            var application = builder.Build();
            application.Urls.Add("http://127.0.0.1:0");
            application.Run(handle);
            await application.StartAsync();
            return new Receiver(application);
        }

        public ValueTask DisposeAsync() => application.DisposeAsync();
    }
}
