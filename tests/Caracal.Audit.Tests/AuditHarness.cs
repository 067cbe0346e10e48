using Caracal.Audit.Checkpoints;
using Caracal.Audit.Ingest;
using Caracal.Evidence.Ledger;
using Caracal.Hosting;
using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Caracal.Storage.Privileges;
using Caracal.Streams.InProcess;
using Caracal.Streams.State;
using Caracal.TestKit;
using Dapper;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests;

/// <summary>The Audit service over a real store, in-process streams and a real port.</summary>
internal sealed class AuditHarness : IAsyncDisposable
{
    public const string AdminToken = "audit-admin-0123456789abcdefghij";
    public const string MetricsToken = "metrics-bearer-0123456789abcdef";

    private readonly TestStore store;
    private readonly InProcessState state = new(TimeProvider.System);
    private readonly StringWriter log = new();
    private RoleServer? server;

    private AuditHarness(TestStore store, AuditSettings settings)
    {
        this.store = store;
        Settings = settings;
        Clock = new DatabaseClock(store.Database, TimeProvider.System);
        Logging = new JsonLineLogging(TextWriter.Synchronized(log), LogLevel.Information, "test", "test");
        Service = new AuditService(settings, store.Database, Clock, Streams, state, Logging.CreateLogger("audit"));
    }

    public AuditSettings Settings { get; }
    public InProcessStreams Streams { get; } = new(TimeProvider.System);
    public DatabaseClock Clock { get; }
    public JsonLineLogging Logging { get; }
    public AuditService Service { get; }
    public Database Database => store.Database;
    public Database Owner => store.Owner;
    public LedgerReader Ledger => new(store.Database);
    public string Log => log.ToString();
    public HttpClient Http { get; } = new();

    public static async Task<AuditHarness> CreateAsync(
        Engine engine = Engine.Sqlite, Func<AuditSettings, AuditSettings>? change = null)
    {
        var settings = new AuditSettings
        {
            Mode = CaracalMode.Dev,
            Listen = new ListenSettings { Host = "127.0.0.1", Port = 0 },
            AuditKeys = Vectors.Keys,
            Checkpoints = new CheckpointSettings { Signer = Vectors.CheckpointSigner },
            AdminToken = TokenRing.Of(KeyClass.AuditAdminToken, AdminToken),
            MetricsToken = TokenRing.Of(KeyClass.MetricsBearer, MetricsToken),
        };
        return new AuditHarness(await TestStore.CreateAsync(engine, ServiceRole.Audit), change is null ? settings : change(settings));
    }

    /// <summary>Starts the consumer and listens.</summary>
    public async Task<AuditHarness> ListenAsync()
    {
        server = RoleServer.Create(Service.ServerOptions, Logging);
        Service.MapRoutes(server.Application);
        await Clock.MeasureAsync(default);
        await Service.StartAsync(default);
        await server.StartAsync(default);
        Http.BaseAddress = new Uri(server.Address);
        return this;
    }

    /// <summary>Hands events to the ingester as a journal of this process does.</summary>
    public Task ShipAsync(params string[] events) =>
        Service.JournalSink.ShipAsync([.. events.Select(data => (ReadOnlyMemory<byte>)System.Text.Encoding.UTF8.GetBytes(data))], default);

    /// <summary>Puts a frame on the stream as a producer in another process does, and waits until it is settled.</summary>
    public async Task PublishAsync(params (string Name, string Value)[] fields)
    {
        var id = await Streams.AppendAsync(
            Topics.AuditEvents, [.. fields.Select(field => new KeyValuePair<string, string>(field.Name, field.Value))], null, default);
        await Streams.SettledAsync(Topics.AuditEvents, id, new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
    }

    public Task PublishEventAsync(string data, string signature) => PublishAsync(("id", "frame-id"), ("data", data), ("sig", signature));

    public Task<IReadOnlyList<LedgerRow>> RowsAsync(string zone = "z1") => Ledger.ChainAsync(zone, 0, 1000, default);

    public async Task<IReadOnlyDictionary<string, string>[]> DeadLettersAsync() =>
        [.. (await Streams.RangeAsync(Topics.AuditDeadLetters, null, 100, default)).Select(entry => entry.Fields.ToDictionary())];

    /// <summary>A process that signs checkpoints; a new one remembers nothing of what an earlier one signed.</summary>
    public Checkpointer NewCheckpointer(CheckpointSettings? settings = null) => new(
        new CheckpointStore(Database), settings ?? Settings.Checkpoints, new AuditMetrics(new Hosting.Metrics.MetricsRegistry()), Clock, Logging.CreateLogger("audit"));

    /// <summary>Signs what the ledger holds now and returns the zone's checkpoint.</summary>
    public async Task<StoredCheckpoint> CheckpointAsync(string zone = "z1", Checkpointer? by = null)
    {
        await (by ?? NewCheckpointer()).RunAsync(default);
        return (await new CheckpointStore(Database).FindAsync(zone, null, default))!;
    }

    /// <summary>Changes stored rows behind everybody's back.</summary>
    public Task TamperAsync(string sql) => Owner.WriteAsync(work => work.Connection.ExecuteAsync(sql));

    public Task<HttpResponseMessage> GetAsync(string path, string? bearer = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (bearer is not null) request.Headers.Authorization = new("Bearer", bearer);
        return Http.SendAsync(request);
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null) await server.StopAsync(default);
        await Service.StopAsync();
        await Service.DisposeAsync();
        if (server is not null) await server.DisposeAsync();
        Http.Dispose();
        state.Dispose();
        await store.DisposeAsync();
    }
}
