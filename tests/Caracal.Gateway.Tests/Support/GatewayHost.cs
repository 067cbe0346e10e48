using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Caracal.Evidence.Journals;
using Caracal.Evidence.Trail;
using Caracal.Hosting;
using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Storage.Sqlite;
using Caracal.Streams.InProcess;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Tests.Support;

/// <summary>A Gateway on a real port over a real SQLite store, with an STS and an upstream at its HTTP ports.</summary>
internal sealed class GatewayHost : IAsyncDisposable
{
    public const string AdminToken = "admin-token-0123456789-abcdefghij-ABCDEF";
    public const string Resource = "resource://pipernet";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caracal-gateway-test-");
    private GatewayService _service = null!;
    private RoleServer _server = null!;
    private AuditTrail _trail = null!;

    private GatewayHost()
    {
        StreamKeys = HmacKeyRing.Of(KeyClass.StreamsHmac, RandomNumberGenerator.GetBytes(32));
        Streams = new InProcessStreams(Time);
        State = new SwitchableState(Time);
    }

    public TestTime Time { get; } = new();
    public InProcessStreams Streams { get; }
    public SwitchableState State { get; }
    public RecordingSink Audit { get; } = new();
    public HmacKeyRing StreamKeys { get; }
    public LogText Log { get; } = new();
    public StsDouble Sts { get; private set; } = null!;
    public UpstreamDouble Upstream { get; private set; } = null!;
    public Database Database { get; private set; } = null!;
    public string Address => _server.Address;

    /// <summary>Where the journal lies.</summary>
    public string AuditFolder => Path.Combine(_folder.FullName, "audit");

    public IReadOnlyList<Caracal.Gateway.Pipeline.IGatewayStep> Steps => _service.Steps;

    public HttpClient Client { get; } = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, ActivityHeadersPropagator = null });

    public static async Task<GatewayHost> StartAsync(Func<GatewaySettings, GatewaySettings>? change = null, bool evidenceFails = false, LogLevel level = LogLevel.Information)
    {
        var host = new GatewayHost();
        host.Audit.Fails = evidenceFails;
        var stsKey = RandomNumberGenerator.GetBytes(32);
        host.Sts = await StsDouble.StartAsync(stsKey);
        host.Upstream = await UpstreamDouble.StartAsync();
        host.Sts.Directive["url"] = host.Upstream.Address.ToString();
        host.Sts.Directive["auth_mode"] = "caracal_jwt";
        await host.StartGatewayAsync(stsKey, change ?? (static settings => settings), level);
        return host;
    }

    private async Task StartGatewayAsync(byte[] stsKey, Func<GatewaySettings, GatewaySettings> change, LogLevel level)
    {
        var settings = change(new GatewaySettings
        {
            Mode = CaracalMode.Dev,
            Listen = new ListenSettings { Host = "127.0.0.1", Port = 0 },
            StsUrl = Sts.Address.ToString(),
            StreamKeys = StreamKeys,
            StsKeys = HmacKeyRing.Of(KeyClass.GatewayStsHmac, stsKey),
            AdminToken = TokenRing.Of(KeyClass.AdminToken, AdminToken),
            AllowPrivateUpstreams = true,
        });
        Database = new SqliteDatabase(Path.Combine(_folder.FullName, "caracal.db"), Time);
        await Migrator.MigrateAsync(Database, Time.GetUtcNow());
        var clock = new DatabaseClock(Database, Time);
        await clock.MeasureAsync(CancellationToken.None);
        _trail = AuditTrail.Start(AuditFolder, Audit, new JournalOptions { Fsync = JournalFsync.Interval, MaxRecordBytes = Audit.Fails ? 16 : 1024 * 1024 });
        var logging = new JsonLineLogging(Log, level, "1.0.0", "test");
        _service = new GatewayService(settings, new GatewayDependencies
        {
            Database = Database,
            Clock = clock,
            Streams = Streams,
            State = State,
            Trail = _trail,
            Log = logging.CreateLogger("gateway"),
        });
        _server = RoleServer.Create(_service.ServerOptions, logging);
        _service.MapRoutes(_server.Application);
        await _service.StartAsync(CancellationToken.None);
        await _server.StartAsync(CancellationToken.None);
    }

    /// <summary>A good mandate, changed as the test likes.</summary>
    public string Mandate(Func<MandateClaims, MandateClaims>? change = null, TimeSpan? life = null)
    {
        var claims = TestMandates.Claims(Time.GetUtcNow(), life);
        return TestMandates.Sign(change is null ? claims : change(claims));
    }

    /// <summary>A governed request that passes every step unless the test changes it.</summary>
    public HttpRequestMessage Request(string path = "/v1/items", string? bearer = null, HttpMethod? method = null)
    {
        var request = new HttpRequestMessage(method ?? HttpMethod.Get, Address + path);
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + (bearer ?? Mandate()));
        request.Headers.TryAddWithoutValidation(CaracalHeaders.Resource, Resource);
        return request;
    }

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) =>
        Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);

    public async Task<JsonElement> MetricsAsync()
    {
        using var document = JsonDocument.Parse(await Client.GetStringAsync(Address + "/metrics.json"));
        return document.RootElement.Clone();
    }

    public async Task<long> MetricAsync(string key) => (await MetricsAsync()).GetProperty(key).GetInt64();

    /// <summary>The log's lines of one event, in order; waits for the first.</summary>
    public async Task<IReadOnlyList<JsonElement>> LinesAsync(string name)
    {
        List<JsonElement> lines = [];
        await UntilAsync(() =>
        {
            lines = [.. Log.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonElement.Parse(line)).Where(line => line.TryGetProperty("event", out var found) && found.GetString() == name)];
            return Task.FromResult(lines.Count > 0);
        });
        return lines;
    }

    /// <summary>Everything recorded so far, shipped.</summary>
    public async Task<IReadOnlyList<JsonElement>> EventsAsync()
    {
        await _trail.FlushAsync(CancellationToken.None);
        return Audit.Events;
    }

    /// <summary>Appends a message as the relays do, and waits until the Gateway's group has dealt with it.</summary>
    public async Task PublishAsync(string topic, HmacKeyRing? keys, params (string Name, string Value)[] fields)
    {
        var message = StreamSignature.Seal(keys, topic, [.. fields.Select(f => new KeyValuePair<string, string>(f.Name, f.Value))]);
        await Streams.AppendAsync(topic, message, null, CancellationToken.None);
    }

    /// <summary>Waits until the condition holds; fails after ten seconds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!await condition())
        {
            Assert.True(await tick.WaitForNextTickAsync(limit.Token));
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.DisposeAsync();
        await _service.DisposeAsync();
        await _trail.DisposeAsync();
        await Database.DisposeAsync();
        await Sts.DisposeAsync();
        await Upstream.DisposeAsync();
        State.Dispose();
        _folder.Delete(recursive: true);
    }
}
